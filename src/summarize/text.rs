//! The comparison in words, for the terminal and the window.

use std::fmt::Write as _;

use super::{Figure, Group, Measure, Summary};

/// Longest name of a group in the table, characters.
const MAX_NAME: usize = 32;

impl Summary {
    /// A table of the shares of each group, and below it what else was found. Several lines.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let names: Vec<String> = self.groups.iter().map(Group::name).collect();
        let width = names.iter().map(|name| name.chars().count());
        let width = width.chain([5]).max().unwrap_or_default();
        // Writing to a string cannot fail.
        writeln!(text, "{}\n", self.title()).ok();
        write!(text, "{:width$}  {:>3}", "", "n").ok();
        for label in self.labels.names() {
            write!(text, "  {label:>16}").ok();
        }
        text.push('\n');
        for (group, name) in self.groups.iter().zip(&names) {
            write!(text, "{name:width$}  {:>3}", group.n()).ok();
            for share in self.shares(group) {
                write!(text, "  {share:>16}").ok();
            }
            text.push('\n');
        }
        for (group, name) in self.groups.iter().zip(&names) {
            let mut facts = group.facts().into_iter();
            let first = facts.next().unwrap_or_default();
            writeln!(text, "\n{name}: {first}").ok();
            for fact in facts {
                writeln!(text, "  {fact}").ok();
            }
        }
        text
    }

    /// What the table of shares shows.
    pub fn title(&self) -> String {
        let over = match self.is_over_participants() {
            true => "participants",
            false => "sessions",
        };
        format!("Share of time with each label, mean over {over} with its 95 % confidence interval")
    }

    /// The cells of a group in the table of shares, one for each label.
    pub fn shares(&self, group: &Group) -> impl Iterator<Item = String> {
        self.labels.names().map(|label| {
            let mut shares = group.figures.iter();
            let share = shares.find(|f| f.measure == Measure::Share && f.label == label);
            share.map_or("–".to_owned(), percent)
        })
    }
}

impl Group {
    /// What it is called; at most some thirty characters.
    pub fn name(&self) -> String {
        name(&self.values)
    }

    /// Number of participants, or sessions, that its shares are over.
    pub fn n(&self) -> usize {
        let mut shares = self.figures.iter();
        let share = shares.find(|figure| figure.measure == Measure::Share);
        share.map_or(0, |figure| figure.n)
    }

    /// What else is known of it: first what it consists of.
    pub fn facts(&self) -> Vec<String> {
        let consists_of = format!(
            "{}, {}, faces seen for {:.1} s",
            count(self.n_participants, "participant"),
            count(self.n_sessions, "session"),
            self.seen_s
        );
        let others = self.figures.iter().filter_map(fact);
        std::iter::once(consists_of).chain(others).collect()
    }
}

/// The name of a group.
fn name(values: &[String]) -> String {
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
