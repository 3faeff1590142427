//! The steps by which a database becomes what this version needs, numbered from 1 on. A step that was released never changes.

use super::OpenError;

/// The steps for SQLite.
pub(super) const SQLITE: &[&str] = &[
    include_str!("migrations/sqlite/0001.sql"),
    include_str!("migrations/sqlite/0002.sql"),
    include_str!("migrations/sqlite/0003.sql"),
];

/// The steps for PostgreSQL.
pub(super) const POSTGRES: &[&str] = &[
    include_str!("migrations/postgres/0001.sql"),
    include_str!("migrations/postgres/0002.sql"),
    include_str!("migrations/postgres/0003.sql"),
];

/// The newest schema these steps lead to.
pub(super) fn newest(steps: &[&str]) -> i64 {
    i64::try_from(steps.len()).unwrap_or(i64::MAX)
}

/// The steps that a database with schema `found` has before it, each with its number; a new database has schema 0.
///
/// # Errors
/// When a newer version wrote it.
pub(super) fn ahead(
    steps: &'static [&'static str],
    found: i64,
    place: &str,
) -> Result<Vec<(i64, &'static str)>, OpenError> {
    let known = newest(steps);
    if found > known {
        return Err(OpenError::Newer { place: place.to_owned(), found, known });
    }
    Ok((1..).zip(steps.iter().copied()).filter(|(number, _)| *number > found).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_is_done() {
        let steps: &[&str] = &["one", "two", "three"];
        assert_eq!(ahead(steps, 0, "x").unwrap(), [(1, "one"), (2, "two"), (3, "three")]);
        assert_eq!(ahead(steps, 2, "x").unwrap(), [(3, "three")]);
        assert_eq!(ahead(steps, 3, "x").unwrap(), []);
        assert!(matches!(ahead(steps, 4, "x"), Err(OpenError::Newer { found: 4, known: 3, .. })));
    }
}
