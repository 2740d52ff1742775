//! The labels of a network's outputs.
//!
//! They are kept until the program ends, once for each set: a program sees few sets, and results can then be copied
//! without counting references.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::fer2013::{Expression, N_EXPRESSIONS};

/// The most labels that a network may have. Above it, neither bars nor colors are of use.
pub const MAX_LABELS: usize = 32;
/// The longest name of a label, in characters: it must fit beside a bar and into the header of a table.
pub const MAX_LABEL_CHARS: usize = 32;

/// What the outputs of a network mean, in order: from 2 to [`MAX_LABELS`] distinct names. Cheap to copy.
#[derive(Clone, Copy)]
pub struct Labels(&'static [Entry]);

#[derive(Debug, PartialEq, Eq)]
struct Entry {
    name: &'static str,
    /// See [`Label::color`].
    color: u8,
}

/// One of a network's labels. Those of different sets are never equal, even with the same name: compare
/// [`Label::name`], or look for [`Labels::like`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Label {
    labels: Labels,
    index: u8,
}

/// Why names cannot be labels. Each is the end of a sentence about what lists them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LabelError {
    /// Too few or too many.
    #[error("lists {0} labels, but a network needs from 2 to {MAX_LABELS}")]
    Count(usize),
    /// One is no name.
    #[error("lists a label without a name")]
    Empty,
    /// One is too long. Holds its beginning.
    #[error("lists the label “{0}…”, which is longer than {MAX_LABEL_CHARS} characters")]
    TooLong(String),
    /// One holds characters that are not plain text. Holds the rest of it.
    #[error(
        "lists the label “{0}”, which has line breaks, invisible characters or spaces around it"
    )]
    NotPlain(String),
    /// One could be run as a formula by a spreadsheet.
    #[error("lists the label “{0}”, but labels must not begin with =, +, - or @")]
    Formula(String),
    /// Two are the same but for upper and lower case.
    #[error("lists the label “{0}” twice")]
    Twice(String),
}

impl Labels {
    /// The seven expressions, in FER-2013's order.
    pub const FER_2013: Self = Self(&FER_2013);

    /// Labels with these names, in this order.
    ///
    /// # Errors
    /// [`LabelError`].
    pub fn new<S: AsRef<str>>(names: &[S]) -> Result<Self, LabelError> {
        check(names)?;
        Ok(interned(names))
    }

    /// The labels of a network with outputs of these names, and which label each output is.
    ///
    /// Seven outputs with the names of the seven expressions, or the usual variants of them, are
    /// [`Labels::FER_2013`] in any order. Others are as named.
    ///
    /// # Errors
    /// [`LabelError`].
    pub fn of_outputs<S: AsRef<str>>(names: &[S]) -> Result<(Self, Vec<Label>), LabelError> {
        check(names)?;
        let expressions: Option<Vec<Expression>> = names
            .iter()
            .map(|name| Expression::from_name(name.as_ref()))
            .collect();
        let is_fer_2013 = |expressions: &Vec<Expression>| {
            expressions.len() == N_EXPRESSIONS
                && Expression::ALL.iter().all(|e| expressions.contains(e))
        };
        if let Some(expressions) = expressions.filter(is_fer_2013) {
            let outputs = expressions.into_iter().map(Label::from).collect();
            return Ok((Self::FER_2013, outputs));
        }
        let labels = interned(names);
        Ok((labels, labels.iter().collect()))
    }

    /// How many there are.
    #[expect(clippy::len_without_is_empty, reason = "there are always at least two")]
    pub fn len(self) -> usize {
        self.0.len()
    }

    /// All of them, in order.
    pub fn iter(self) -> impl ExactSizeIterator<Item = Label> + DoubleEndedIterator + Clone {
        (0..self.0.len()).map(move |index| self.at(index))
    }

    /// The label of the output `index`.
    ///
    /// # Panics
    /// If there is none.
    pub fn at(self, index: usize) -> Label {
        assert!(index < self.0.len(), "no label {index} of {}", self.0.len());
        Label {
            labels: self,
            index: index as u8,
        }
    }

    /// The label of exactly this name.
    pub fn find(self, name: &str) -> Option<Label> {
        self.iter().find(|label| label.name() == name)
    }

    /// The label of this name in any case, or else the one for the same expression, as “happy” is for “happiness”.
    pub fn named(self, name: &str) -> Option<Label> {
        let expression = Expression::from_name(name);
        let same_name = |label: &Label| is_same(label.name(), name);
        let same_expression =
            |label: &Label| expression.is_some() && label.expression() == expression;
        self.iter()
            .find(same_name)
            .or_else(|| self.iter().find(same_expression))
    }

    /// The label that means the same as one of another set, as [`Self::named`] says.
    pub fn like(self, other: Label) -> Option<Label> {
        self.named(other.name())
    }

    /// Each label that another set has too (see [`Self::like`]), with the label there. No label is in two pairs.
    pub fn shared_with(self, other: Self) -> Vec<(Label, Label)> {
        let mut pairs: Vec<(Label, Label)> = Vec::new();
        for label in self.iter() {
            if let Some(there) = other.like(label)
                && pairs.iter().all(|(_, taken)| *taken != there)
            {
                pairs.push((label, there));
            }
        }
        pairs
    }

    /// The names, in order.
    pub fn names(self) -> impl ExactSizeIterator<Item = &'static str> + Clone {
        self.0.iter().map(|entry| entry.name)
    }

    /// The names with commas between them, in quotation marks if one has a comma itself.
    pub fn list(self) -> String {
        if self.names().any(|name| name.contains(',')) {
            let quoted = self.names().map(|name| format!("“{name}”"));
            return quoted.collect::<Vec<_>>().join(", ");
        }
        self.names().collect::<Vec<_>>().join(", ")
    }
}

impl PartialEq for Labels {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0) || self.0 == other.0
    }
}

impl Eq for Labels {}

impl Default for Labels {
    fn default() -> Self {
        Self::FER_2013
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

impl Label {
    /// The set that it belongs to.
    pub fn labels(self) -> Labels {
        self.labels
    }

    /// Its position in the set.
    pub fn index(self) -> usize {
        self.index.into()
    }

    /// Its name, as in files and on the screen.
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// The expression of FER-2013 that its name says, if it does.
    pub fn expression(self) -> Option<Expression> {
        Expression::from_name(self.name())
    }

    /// The number of its color, below [`MAX_LABELS`]; no two labels of a set have the same.
    ///
    /// FER-2013's expressions have their numbers there, and so have their variants in other sets. All other labels have the
    /// numbers after these, as long as there are any.
    pub fn color(self) -> usize {
        self.entry().color.into()
    }

    fn entry(self) -> &'static Entry {
        &self.labels.0[self.index()]
    }
}

impl From<Expression> for Label {
    fn from(expression: Expression) -> Self {
        Labels::FER_2013.at(expression.index())
    }
}

impl PartialEq<Expression> for Label {
    fn eq(&self, other: &Expression) -> bool {
        *self == Self::from(*other)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Label {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A list of names, checked as in [`Labels::new`].
impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        Self::new(&names).map_err(|error| D::Error::custom(format!("the file {error}")))
    }
}

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.names())
    }
}

const fn entry(expression: Expression) -> Entry {
    Entry {
        name: expression.name(),
        color: expression.index() as u8,
    }
}

static FER_2013: [Entry; N_EXPRESSIONS] = [
    entry(Expression::Angry),
    entry(Expression::Disgust),
    entry(Expression::Fear),
    entry(Expression::Happy),
    entry(Expression::Sad),
    entry(Expression::Surprise),
    entry(Expression::Neutral),
];

fn check<S: AsRef<str>>(names: &[S]) -> Result<(), LabelError> {
    if !(2..=MAX_LABELS).contains(&names.len()) {
        return Err(LabelError::Count(names.len()));
    }
    for (at, name) in names.iter().map(AsRef::as_ref).enumerate() {
        check_name(name)?;
        if names[..at]
            .iter()
            .any(|other| is_same(other.as_ref(), name))
        {
            return Err(LabelError::Twice(name.to_owned()));
        }
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), LabelError> {
    if name.trim().is_empty() {
        return Err(LabelError::Empty);
    }
    if name.chars().count() > MAX_LABEL_CHARS {
        let beginning = name
            .chars()
            .filter(|c| !is_invisible(*c))
            .take(MAX_LABEL_CHARS);
        return Err(LabelError::TooLong(beginning.collect()));
    }
    if name.trim() != name || name.chars().any(is_invisible) {
        let plain: String = name.chars().filter(|c| !is_invisible(*c)).collect();
        return Err(LabelError::NotPlain(plain));
    }
    if name.starts_with(['=', '+', '-', '@']) {
        return Err(LabelError::Formula(name.to_owned()));
    }
    Ok(())
}

/// Control characters, separators of lines, and those that change how the text around them is shown.
fn is_invisible(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

fn is_same(a: &str, b: &str) -> bool {
    a == b || a.to_lowercase() == b.to_lowercase()
}

/// The set with these names, which were checked.
fn interned<S: AsRef<str>>(names: &[S]) -> Labels {
    static SETS: Mutex<Vec<Labels>> = Mutex::new(Vec::new());
    let has_names = |labels: &Labels| {
        labels.len() == names.len()
            && labels
                .names()
                .zip(names)
                .all(|(name, other)| name == other.as_ref())
    };
    if has_names(&Labels::FER_2013) {
        return Labels::FER_2013;
    }
    let mut sets = SETS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = sets.iter().find(|labels| has_names(labels)) {
        return *known;
    }
    let entries = names.iter().zip(colors(names)).map(|(name, color)| Entry {
        name: Box::leak(Box::<str>::from(name.as_ref())),
        color,
    });
    let labels = Labels(Box::leak(entries.collect()));
    sets.push(labels);
    labels
}

/// The number of each label's color.
fn colors<S: AsRef<str>>(names: &[S]) -> Vec<u8> {
    let mut taken = [false; MAX_LABELS];
    let own: Vec<Option<usize>> = names
        .iter()
        .map(|name| {
            let color = Expression::from_name(name.as_ref())?.index();
            (!std::mem::replace(&mut taken[color], true)).then_some(color)
        })
        .collect();
    let others = (N_EXPRESSIONS..MAX_LABELS).chain(0..N_EXPRESSIONS);
    let mut free = others.filter(|color| !taken[*color]);
    let color = |own: Option<usize>| own.or_else(|| free.next()).unwrap_or_default() as u8;
    own.into_iter().map(color).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_expressions_are_fer_2013_in_any_order() {
        let names = [
            "Neutral",
            "happiness",
            "surprised",
            "sadness",
            "anger",
            "disgust",
            "scared",
        ];
        let (labels, outputs) = Labels::of_outputs(&names).unwrap();
        assert_eq!(labels, Labels::FER_2013);
        let expected = [6, 3, 5, 4, 0, 1, 2];
        assert_eq!(
            outputs.into_iter().map(Label::index).collect::<Vec<_>>(),
            expected
        );
        assert_eq!(outputs_of(&["calm", "tense"]), ["calm", "tense"]);
        let six_and_another = [
            "angry", "disgust", "fear", "happy", "sad", "surprise", "contempt",
        ];
        assert_eq!(outputs_of(&six_and_another), six_and_another);
    }

    fn outputs_of(names: &[&str]) -> Vec<&'static str> {
        let (labels, outputs) = Labels::of_outputs(names).unwrap();
        assert!(outputs.iter().all(|label| label.labels() == labels));
        outputs.into_iter().map(Label::name).collect()
    }

    #[test]
    fn a_set_is_kept_once() {
        let names = ["mask", "no mask"];
        let [a, b] = [Labels::new(&names).unwrap(), Labels::new(&names).unwrap()];
        assert!(std::ptr::eq(a.0, b.0));
        assert_eq!(a, b);
        assert_ne!(a, Labels::new(&["no mask", "mask"]).unwrap());
        assert_eq!(
            Labels::new(&Expression::ALL.map(Expression::name)).unwrap(),
            Labels::FER_2013
        );
    }

    #[test]
    fn names_that_do_harm_are_refused() {
        let long = "x".repeat(MAX_LABEL_CHARS + 1);
        for (name, words) in [
            ("", "without a name"),
            (" ", "without a name"),
            (" a", "spaces around"),
            ("a\nb", "“ab”, which has line breaks"),
            ("\u{202E}a", "“a”, which has"),
            ("=1+1", "must not begin"),
            ("CALM", "“CALM” twice"),
            (&long, "longer than 32"),
        ] {
            let error = Labels::new(&["calm", name]).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        for n in [0, 1, 33] {
            let names: Vec<String> = (0..n).map(|i| format!("l{i}")).collect();
            let error = Labels::new(&names).unwrap_err();
            assert_eq!(error, LabelError::Count(n));
        }
        assert!(Labels::new(&["gähnt", "schläft, tief", "“”", "眠い"]).is_ok());
    }

    #[test]
    fn colors_follow_known_names_and_never_repeat() {
        let colors = |names: &[&str]| -> Vec<usize> {
            Labels::new(names)
                .unwrap()
                .iter()
                .map(Label::color)
                .collect()
        };
        assert_eq!(
            colors(&["happiness", "contempt", "bored", "anger"]),
            [3, 7, 8, 0]
        );
        assert_eq!(colors(&["mask", "no mask"]), [7, 8]);
        assert_eq!(colors(&["happy", "happiness"]), [3, 7]);
        let many: Vec<String> = (0..MAX_LABELS).map(|i| format!("label {i}")).collect();
        for first in ["angry", "calm"] {
            let mut names = many.clone();
            names[0] = first.to_owned();
            let mut colors: Vec<usize> = Labels::new(&names)
                .unwrap()
                .iter()
                .map(Label::color)
                .collect();
            colors.sort_unstable();
            assert!(colors.into_iter().eq(0..MAX_LABELS), "{first}");
        }
    }

    #[test]
    fn labels_of_other_sets_are_found_by_meaning() {
        let ferplus = Labels::new(&["neutral", "happiness", "contempt"]).unwrap();
        let like = |label: Expression| ferplus.like(label.into()).map(Label::name);
        assert_eq!(like(Expression::Happy), Some("happiness"));
        assert_eq!(like(Expression::Sad), None);
        let back = Labels::FER_2013.like(ferplus.at(2));
        assert_eq!(back, None);
        let upper = Labels::new(&["Contempt", "x"]).unwrap();
        assert_eq!(upper.like(ferplus.at(2)), Some(upper.at(0)));
    }
}
