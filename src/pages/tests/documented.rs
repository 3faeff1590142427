//! docs/pages.md names what each template can call: all of it, or operators' copies lose something, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::Environment;

use super::super::face::Face;
use super::super::gallery::{Said, for_people, gallery};
use super::super::overrides::replaceable;
use super::super::templates::ALL;

type Names = BTreeSet<String>;

/// What stands between backticks, outside of parentheses: those say what is in a value.
fn named(cell: &str) -> Names {
    let (mut outside, mut depth) = (String::new(), 0);
    for character in cell.chars() {
        depth += i32::from(character == '(') - i32::from(character == ')');
        outside.extend((depth == 0 && character != ')').then_some(character));
    }
    outside.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// What every template can call, and what each of them can besides.
fn documented() -> (Names, BTreeMap<String, Names>) {
    let (mut common, mut own) = (Names::from(["t".to_owned()]), BTreeMap::new());
    let rows = include_str!("../../../docs/pages.md").lines().filter(|line| line.starts_with("| `"));
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
        match cells[..] {
            [names, _] => common.extend(named(names)),
            [template, _, names] => {
                // The person, whose names stand in a row of their own.
                let who = if names.contains("who,") { own_of("who.html") } else { Names::new() };
                let name = named(template).pop_first().expect("a name");
                own.insert(name, named(names).into_iter().chain(who).collect());
            }
            _ => {}
        }
    }
    (common, own)
}

fn source(template: &str) -> &'static str {
    ALL.iter().find(|(name, _)| *name == template).expect("a template").1
}

/// What a template calls itself.
fn own_of(template: &str) -> Names {
    let mut environment = Environment::new();
    environment.add_template("it", source(template)).expect("a template");
    environment.get_template("it").expect("a template").undeclared_variables(false).into_iter().collect()
}

/// What is called by those that it includes.
fn of_included(template: &str) -> Names {
    let included = source(template).split("{% include \"").skip(1).filter_map(|rest| rest.split('"').next());
    included.flat_map(|name| own_of(name).into_iter().chain(of_included(name))).collect()
}

/// What pages bring along for it.
fn given(template: &str) -> Names {
    let pages = gallery(Said::usual()).into_iter().chain(for_people(Said::usual()));
    let faces = pages.map(|(_, page)| Face::of(&page)).filter(|face| face.template == template);
    faces.flat_map(|face| face.values.into_iter().map(|(name, _)| name.to_owned())).collect()
}

#[test]
fn the_documentation_names_what_each_template_can_call() {
    let (common, documented) = documented();
    assert!(common.contains("request_id") && common.contains("copy_script"), "{common:?}");
    for template in replaceable().filter(|name| *name != "layout.html") {
        let told = documented.get(template).unwrap_or_else(|| panic!("{template} is in no row"));
        let calls: Names = own_of(template).difference(&common).cloned().collect();
        let known: Names =
            calls.iter().cloned().chain(of_included(template)).chain(given(template)).collect();
        let (missing, invented): (Vec<_>, Vec<_>) =
            (calls.difference(told).collect(), told.difference(&known).collect());
        assert!(missing.is_empty(), "{template} calls {missing:?}, and docs/pages.md does not say so");
        assert!(invented.is_empty(), "docs/pages.md gives {template} {invented:?}, and nobody else does");
    }
    let around: Vec<_> = own_of("layout.html").difference(&common).cloned().collect();
    assert!(around.is_empty(), "layout.html calls {around:?}");
}
