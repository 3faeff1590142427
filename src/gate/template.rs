//! Header lines of which only the values change: the names are put in their places once, not with every request.

use http::header::{HeaderMap, HeaderName, HeaderValue, ValuesMut};

/// Room for the header lines of an ordinary request beside those of the template.
const ROOM: usize = 24;

/// Header lines with empty values.
#[derive(Clone, Debug)]
pub struct Template {
    names: Vec<HeaderName>,
    /// The lines in the order of `names`; `None` where a name is there twice, so that lines and names do not match.
    lines: Option<HeaderMap>,
}

impl Template {
    /// Lines of these names.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a HeaderName>) -> Self {
        let names: Vec<HeaderName> = names.into_iter().cloned().collect();
        let mut lines = HeaderMap::with_capacity(names.len() + ROOM);
        for name in &names {
            lines.insert(name, HeaderValue::from_static(""));
        }
        let in_order = lines.len() == names.len() && lines.keys().eq(&names);
        Self { names, lines: in_order.then_some(lines) }
    }

    /// The lines with `values`, in the order of the names. Where there are fewer, the rest stay empty; of two lines of
    /// one name the last one counts.
    pub fn fill(&self, values: impl Iterator<Item = HeaderValue>) -> HeaderMap {
        self.fill_with(|line| values.for_each(|value| line.put(Some(value))))
    }

    /// The same with what `write` puts, one value after the other.
    pub fn fill_with(&self, write: impl FnOnce(&mut Lines<'_>)) -> HeaderMap {
        if let Some(lines) = &self.lines {
            let mut lines = lines.clone();
            write(&mut Lines(Places::InOrder(lines.values_mut())));
            return lines;
        }
        let mut lines = HeaderMap::new();
        let mut places = Lines(Places::ByName(self.names.iter(), &mut lines));
        write(&mut places);
        self.names.iter().for_each(|_| places.put(None));
        lines
    }
}

/// Takes the values of a template's lines, in the order of its names.
#[derive(Debug)]
pub struct Lines<'a>(Places<'a>);

#[derive(Debug)]
enum Places<'a> {
    InOrder(ValuesMut<'a, HeaderValue>),
    ByName(std::slice::Iter<'a, HeaderName>, &'a mut HeaderMap),
}

impl Lines<'_> {
    /// The next line's value; `None` leaves it empty.
    pub fn put(&mut self, value: Option<HeaderValue>) {
        match &mut self.0 {
            Places::InOrder(places) => {
                if let (Some(place), Some(value)) = (places.next(), value) {
                    *place = value;
                }
            }
            Places::ByName(names, lines) => {
                if let Some(name) = names.next() {
                    lines.insert(name, value.unwrap_or(HeaderValue::from_static("")));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_value_stands_under_its_name(
            names in prop::collection::vec("[a-c]{1,3}|host|x-real-ip|[a-z]{9}", 0..40),
            given in 0..40_usize,
        ) {
            let names: Vec<HeaderName> = names.iter().map(|name| name.parse().unwrap()).collect();
            let values: Vec<HeaderValue> = (0..given.min(names.len())).map(HeaderValue::from).collect();
            let mut expected = HeaderMap::new();
            for (at, name) in names.iter().enumerate() {
                expected.insert(name, values.get(at).cloned().unwrap_or(HeaderValue::from_static("")));
            }
            prop_assert_eq!(Template::new(&names).fill(values.into_iter()), expected);
        }
    }
}
