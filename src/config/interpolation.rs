//! Replaces `${NAME}` in a text by an environment variable.

/// What is wrong with a reference to a variable.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum BadReference {
    /// `${` that is followed by no name and `}`.
    Malformed,
    /// The variable of this name is not set.
    Unset(String),
}

/// `text` with every `${NAME}` replaced by its value in `environment`; `$${` stands for `${`.
/// What a variable holds is not looked at again.
pub(super) fn expand(text: &str, environment: &[(String, String)]) -> Result<String, Vec<BadReference>> {
    let mut expanded = String::with_capacity(text.len());
    let mut mistakes = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, reference) = (&rest[..at], &rest[at + 2..]);
        if let Some(before) = before.strip_suffix('$') {
            expanded.push_str(before);
            expanded.push_str("${");
            rest = reference;
            continue;
        }
        expanded.push_str(before);
        match reference.split_once('}').filter(|(name, _)| is_variable_name(name)) {
            Some((name, after)) => {
                match environment.iter().find(|(variable, _)| variable == name) {
                    Some((_, value)) => expanded.push_str(value),
                    None => mistakes.push(BadReference::Unset(name.to_owned())),
                }
                rest = after;
            }
            None => {
                mistakes.push(BadReference::Malformed);
                rest = reference;
            }
        }
    }
    expanded.push_str(rest);
    if mistakes.is_empty() { Ok(expanded) } else { Err(mistakes) }
}

/// Whether a variable can be called so.
pub(super) fn is_variable_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced_once() {
        let environment = [("A".to_owned(), "${B}".to_owned()), ("B".to_owned(), "b".to_owned())];
        assert_eq!(expand("x${A}-${B}y", &environment).unwrap(), "x${B}-by");
        assert_eq!(expand("$${A} $5 $", &environment).unwrap(), "${A} $5 $");
        assert_eq!(
            expand("${C}${", &environment),
            Err(vec![BadReference::Unset("C".to_owned()), BadReference::Malformed])
        );
        assert_eq!(expand("${1}", &environment), Err(vec![BadReference::Malformed]));
    }
}
