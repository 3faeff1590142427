//! Lays `WXGATE_A__B=value` variables over the tree, as if `value` stood at `a.b` in the file.

use super::document::{Entry, Located, Origin, Table, Value};
use super::problem::{Place, Problem, Problems};

/// What every variable of ours begins with.
pub const PREFIX: &str = "WXGATE_";

/// Adds the variables of `environment` to `root` as texts, in the order of their names. Names are lower-cased
/// and split at `__`. Complains about keys that are given already.
pub fn overlay(root: &mut Table, environment: &[(String, String)], problems: &Problems) {
    let mut variables: Vec<_> = environment
        .iter()
        .filter(|(name, value)| {
            name.starts_with(PREFIX) && !RESERVED.contains(&name.as_str()) && !is_from_kubernetes(name, value)
        })
        .collect();
    variables.sort();
    for (variable, value) in variables {
        let path = levels(variable);
        if path.iter().any(String::is_empty) || path.len() > MOST_LEVELS {
            let place = Place::Environment { variable: variable.clone() };
            let help = "the name is WXGATE_ and the levels of the key with `__` between them, such as WXGATE_WECHAT__WEBSITE__APP_ID";
            problems.add(Problem::error(&place, "this variable names no key").help(help));
            continue;
        }
        set(root, variable, &path, value, problems);
    }
}

/// The levels of the key that `variable` sets.
pub(super) fn levels(variable: &str) -> Vec<String> {
    let name = variable.strip_prefix(PREFIX).unwrap_or(variable);
    name.to_lowercase().split("__").map(str::to_owned).collect()
}

fn set(root: &mut Table, variable: &str, path: &[String], value: &str, problems: &Problems) {
    let origin = Origin::Environment { variable: variable.to_owned() };
    let mut table = root;
    for (depth, key) in path.iter().enumerate() {
        let is_last = depth + 1 == path.len();
        let Some(index) = table.entries.iter().position(|entry| entry.key == *key) else {
            let value = match is_last {
                true => Value::Text(value.to_owned()),
                false => Value::Table(Table::default()),
            };
            let value = Located { value, origin: origin.clone() };
            table.entries.push(Entry { key: key.clone(), key_origin: origin.clone(), value });
            if is_last {
                return;
            }
            let Some(Entry { value: Located { value: Value::Table(inner), .. }, .. }) =
                table.entries.last_mut()
            else {
                return;
            };
            table = inner;
            continue;
        };
        let entry = &mut table.entries[index];
        let place = Place::Environment { variable: variable.to_owned() };
        let kind = entry.value.value.kind();
        match &mut entry.value.value {
            Value::Table(inner) if !is_last => table = inner,
            Value::Table(_) => {
                let title = format!("`{}` is a table", path.join("."));
                problems
                    .add(Problem::error(&place, title).help(format!("set one of its keys: {variable}__…")));
                return;
            }
            Value::List(elements) if holds_tables(elements) => {
                let title = format!("`{key}` is a list of tables, which variables cannot reach");
                problems.add(Problem::error(&place, title).help(format!("write it in {}", problems.file)));
                return;
            }
            _ if is_last => {
                problems.add(given_twice(&entry.key_origin, variable, path, problems));
                return;
            }
            _ => {
                let title = format!("`{}` is {kind}, not a table", path[..=depth].join("."));
                problems.add(Problem::error(&place, title).help(format!("unset {variable}")));
                return;
            }
        }
    }
}

fn given_twice(first: &Origin, variable: &str, path: &[String], problems: &Problems) -> Problem {
    let first_place = match first {
        Origin::Environment { variable } => variable.clone(),
        Origin::File { span } => format!("{}:{}", problems.file, problems.line_of(span.start)),
    };
    let title = format!("`{}` is given twice: in {first_place} and in {variable}", path.join("."));
    Problem::error(&Place::from(first), title).help("remove one of the two")
}

fn holds_tables(elements: &[Located]) -> bool {
    elements.iter().any(|element| matches!(element.value, Value::Table(_)))
}

/// Whether Kubernetes made this variable for a Service named wxgate, to tell other pods its address:
/// <https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables>
fn is_from_kubernetes(name: &str, value: &str) -> bool {
    let name = name.strip_prefix(PREFIX).unwrap_or(name);
    if name == "SERVICE_HOST" || name == "SERVICE_PORT" || name.starts_with("SERVICE_PORT_") {
        return true;
    }
    let Some(rest) = name.strip_prefix("PORT") else { return false };
    if rest.is_empty() {
        return value.contains("://");
    }
    let Some(rest) = rest.strip_prefix('_') else { return false };
    let mut words = rest.split('_');
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    words.next().is_some_and(is_number) && matches!(words.next(), Some("TCP" | "UDP" | "SCTP"))
}

/// Read elsewhere, before there is a configuration.
const RESERVED: [&str; 1] = ["WXGATE_CONFIG"];

/// Deeper than any key of ours.
const MOST_LEVELS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::document;

    fn overlaid(text: &str, environment: &[(&str, &str)]) -> (Table, Problems) {
        let problems = Problems::new("config.toml", text);
        let mut root = document::parse(&problems).unwrap();
        let environment: Vec<_> =
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        overlay(&mut root, &environment, &problems);
        (root, problems)
    }

    #[test]
    fn variables_become_keys() {
        let variables = [
            ("WXGATE_WECHAT__WEBSITE__APP_SECRET_FILE", "/run/secret"),
            ("WXGATE_DATA_DIR", "/data"),
            ("HOME", "/root"),
        ];
        let (root, problems) = overlaid("[wechat.website]\napp_id = \"wx\"", &variables);
        assert!(problems.is_empty());
        assert!(matches!(&root.get("data_dir").unwrap().value.value, Value::Text(text) if text == "/data"));
        let Value::Table(wechat) = &root.get("wechat").unwrap().value.value else { panic!() };
        let Value::Table(website) = &wechat.get("website").unwrap().value.value else { panic!() };
        assert_eq!(website.entries.len(), 2);
        assert!(website.get("app_secret_file").is_some());
    }

    #[test]
    fn reserved_names_and_those_of_kubernetes_are_left_alone() {
        let variables = [
            ("WXGATE_CONFIG", "x"),
            ("WXGATE_PORT", "tcp://10.0.0.1:8480"),
            ("WXGATE_PORT_8480_TCP", "tcp://10.0.0.1:8480"),
            ("WXGATE_PORT_8480_TCP_ADDR", "10.0.0.1"),
            ("WXGATE_SERVICE_HOST", "10.0.0.1"),
            ("WXGATE_SERVICE_PORT", "8480"),
            ("WXGATE_SERVICE_PORT_HTTP", "8480"),
        ];
        let (root, problems) = overlaid("", &variables);
        assert!(root.entries.is_empty() && problems.is_empty());
        let (root, _) = overlaid("", &[("WXGATE_PORT", "8480"), ("WXGATE_PORTS_1_TCP", "x")]);
        assert_eq!(root.entries.len(), 2);
    }

    #[test]
    fn two_sources_are_one_too_many() {
        let (_, problems) = overlaid("# top\nupstream = \"http://a\"", &[("WXGATE_UPSTREAM", "http://b")]);
        assert_eq!(
            problems.render(false),
            "\
error: `upstream` is given twice: in config.toml:2 and in WXGATE_UPSTREAM
 --> config.toml:2:1
  |
2 | upstream = \"http://a\"
  | ^^^^^^^^
  |
  = help: remove one of the two

1 error in config.toml
"
        );
    }

    #[test]
    fn variables_reach_neither_lists_of_tables_nor_into_values() {
        let text = "x = 1\n[[routes]]\n[wechat]\n";
        let variables = [
            ("WXGATE_ROUTES__0__HOST", "a"),
            ("WXGATE_WECHAT", "a"),
            ("WXGATE_X__Y", "a"),
            ("WXGATE_", "a"),
            ("WXGATE_A____B", "a"),
        ];
        let (root, problems) = overlaid(text, &variables);
        assert_eq!(root.entries.len(), 3);
        let report = problems.render(false);
        for title in [
            "`routes` is a list of tables, which variables cannot reach",
            "`wechat` is a table",
            "`x` is an integer, not a table",
            "this variable names no key",
        ] {
            assert!(report.contains(title), "{report}");
        }
        assert!(report.ends_with("5 errors in config.toml\n"));
    }
}
