//! Finds the name that was probably meant.

/// The one of `known` that `written` was probably meant to be.
pub(super) fn closest<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    if written.len() > LONGEST_MISSPELT {
        return None;
    }
    let written = written.to_lowercase().replace('-', "_");
    known
        .iter()
        .map(|name| (edit_distance(&written, name), *name))
        .filter(|(distance, name)| {
            let length = name.chars().count();
            *distance <= (length / 3).max(2) && *distance * 2 <= length
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// How many characters have to be added, dropped or changed to turn one name into the other.
pub(super) fn edit_distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut distances: Vec<usize> = (0..=other.len()).collect();
    for (row, from) in one.chars().enumerate() {
        let mut diagonal = row;
        let mut left = row + 1;
        distances[0] = left;
        for (column, to) in other.iter().enumerate() {
            let above = distances[column + 1];
            left = (diagonal + usize::from(from != *to)).min(above + 1).min(left + 1);
            diagonal = above;
            distances[column + 1] = left;
        }
    }
    distances[other.len()]
}

/// No key is nearly as long.
const LONGEST_MISSPELT: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        assert_eq!(edit_distance("", "abc"), 3);
        assert_eq!(edit_distance("abc", ""), 3);
        assert_eq!(edit_distance("upstrem", "upstream"), 1);
        assert_eq!(edit_distance("kitten", "sitting"), 3);
    }

    #[test]
    fn the_closest_name_wins_and_far_ones_are_not_offered() {
        let known = ["public_url", "upstream", "upstream_host", "api"];
        assert_eq!(closest("upstrem", &known), Some("upstream"));
        assert_eq!(closest("publicUrl", &known), Some("public_url"));
        assert_eq!(closest("Public-URL", &known), Some("public_url"));
        assert_eq!(closest("x", &known), None);
        assert_eq!(closest("colour", &known), None);
        assert_eq!(closest(&"u".repeat(1_000_000), &known), None);
    }
}
