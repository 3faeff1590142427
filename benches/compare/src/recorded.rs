//! The figures that the gate holds new ones against, in a file that is part of the sources.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;

const HEADER: &str = "\
# What one request cost when it was last accepted; `benches/compare/run gate` fails at 3 % more.
#
# Record anew (`benches/compare/run gate --record`) in the change that makes a request cheaper, that makes it dearer for
# a reason which its message gives, or that brings a new compiler or new dependencies. perf and callgrind count for different
# processors (valgrind's has fewer instructions), so each has its own figures; recording drops those of a meter that the
# computer does not have.
";

/// Figures by meter and name.
#[derive(Debug, Default, PartialEq)]
pub struct Recorded(BTreeMap<String, BTreeMap<String, f64>>);

impl Recorded {
    /// Reads the file; none is an empty one.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        if !file.exists() {
            return Ok(Self::default());
        }
        let text = std::fs::read_to_string(file)?;
        Self::parse(&text).with_context(|| format!("{} cannot be read", file.display()))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let mut recorded = Self::default();
        let mut meter = None;
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                meter = Some(name);
                continue;
            }
            let (name, figure) = line.split_once(" = ").with_context(|| format!("`{line}` is no figure"))?;
            let figure = figure.parse().with_context(|| format!("{name} is no number"))?;
            recorded.set(meter.context("a figure outside of any meter")?, name, figure);
        }
        Ok(recorded)
    }

    pub fn get(&self, meter: &str, name: &str) -> Option<f64> {
        self.0.get(meter)?.get(name).copied()
    }

    pub fn set(&mut self, meter: &str, name: &str, figure: f64) {
        self.0.entry(meter.to_owned()).or_default().insert(name.to_owned(), figure);
    }

    /// Whether there is anything of this meter.
    pub fn knows(&self, meter: &str) -> bool {
        self.0.contains_key(meter)
    }

    /// Everything: meter, name, figure.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str, f64)> {
        self.0.iter().flat_map(|(meter, figures)| {
            figures.iter().map(move |(name, figure)| (meter.as_str(), name.as_str(), *figure))
        })
    }

    /// Writes the file.
    pub fn write(&self, file: &Path) -> anyhow::Result<()> {
        std::fs::write(file, self.text()).with_context(|| format!("{} cannot be written", file.display()))
    }

    fn text(&self) -> String {
        let mut text = HEADER.to_owned();
        for (meter, figures) in &self.0 {
            _ = writeln!(text, "\n[{meter}]");
            for (name, figure) in figures {
                let digits = if *figure < 1000.0 { 3 } else { 1 };
                _ = writeln!(text, "{name} = {figure:.digits$}");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let mut recorded = Recorded::default();
        recorded.set("callgrind", "proxied", 51_234.0);
        recorded.set("strace", "proxied", 4.031);
        assert_eq!(Recorded::parse(&recorded.text()).unwrap(), recorded);
        assert!(recorded.knows("strace") && !recorded.knows("perf"));
    }
}
