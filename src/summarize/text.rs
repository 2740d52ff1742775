//! The comparison in words, for the terminal.

use std::fmt::Write as _;

use super::{Figure, Measure, Summary};

/// Longest name of a group in the table, characters.
const MAX_NAME: usize = 32;

impl Summary {
    /// A table of the shares of each group, and below it what else was found. Several lines.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let names: Vec<String> = self
            .groups
            .iter()
            .map(|group| name(&group.values))
            .collect();
        let width = names.iter().map(|name| name.chars().count());
        let width = width.chain([5]).max().unwrap_or_default();
        let over = match self.is_over_participants() {
            true => "participants",
            false => "sessions",
        };
        // Writing to a string cannot fail.
        writeln!(
            text,
            "Share of time with each label, mean over {over} with its 95 % confidence interval\n"
        )
        .ok();
        write!(text, "{:width$}  {:>3}", "", "n").ok();
        for label in self.labels.names() {
            write!(text, "  {label:>16}").ok();
        }
        text.push('\n');
        for (group, name) in self.groups.iter().zip(&names) {
            let shares = || group.figures.iter().filter(|f| f.measure == Measure::Share);
            let n = shares().next().map_or(0, |figure| figure.n);
            write!(text, "{name:width$}  {n:>3}").ok();
            for label in self.labels.names() {
                let figure = shares().find(|figure| figure.label == label);
                write!(text, "  {:>16}", figure.map_or("–".to_owned(), percent)).ok();
            }
            text.push('\n');
        }
        for (group, name) in self.groups.iter().zip(&names) {
            let facts: Vec<String> = group.figures.iter().filter_map(fact).collect();
            writeln!(
                text,
                "\n{name}: {}, {}, faces seen for {:.1} s",
                count(group.n_participants, "participant"),
                count(group.n_sessions, "session"),
                group.seen_s
            )
            .ok();
            for fact in facts {
                writeln!(text, "  {fact}").ok();
            }
        }
        text
    }
}

/// The name of a group.
pub(super) fn name(values: &[String]) -> String {
    let values = values.iter().map(|value| match value.as_str() {
        "" => "(none)",
        value => value,
    });
    let name = values.collect::<Vec<_>>().join(", ");
    if name.is_empty() {
        return "all".to_owned();
    }
    let mut short: String = name.chars().take(MAX_NAME).collect();
    if short.len() < name.len() {
        short.push('…');
    }
    short
}

fn percent(figure: &Figure) -> String {
    let mean = format!("{:.1} %", 100.0 * figure.mean);
    match figure.interval {
        None => mean,
        Some((low, high)) => format!("{mean} [{:.0}, {:.0}]", 100.0 * low, 100.0 * high),
    }
}

/// A figure that does not stand in the table, in words.
fn fact(figure: &Figure) -> Option<String> {
    let mean = figure.mean;
    Some(match figure.measure {
        Measure::Transitions if figure.label.is_empty() => {
            format!("{mean:.1} changes of the label a minute")
        }
        Measure::FacesAgree => format!("two faces agree {:.0} % of the time", 100.0 * mean),
        Measure::FacesKappa => format!("two faces: kappa {mean:.2}"),
        Measure::NetworksAgree => format!(
            "agrees with {} {:.0} % of the time",
            figure.label,
            100.0 * mean
        ),
        Measure::NetworksKappa => format!("{}: kappa {mean:.2}", figure.label),
        Measure::Share | Measure::Mean | Measure::Transitions => return None,
    })
}

fn count(n: usize, noun: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} {noun}{plural}")
}
