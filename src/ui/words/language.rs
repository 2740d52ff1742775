//! The languages of the window, and which of them the system asks for.

use serde::{Deserialize, Serialize};

/// A language of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Language {
    /// The source of all others.
    #[serde(rename = "en")]
    English,
    /// Addresses people formally.
    #[serde(rename = "de")]
    German,
    /// Addresses people formally.
    #[serde(rename = "fr")]
    French,
    /// As it is written in Spain and understood elsewhere.
    #[serde(rename = "es")]
    Spanish,
    /// Simplified characters, whose font comes from the system.
    #[serde(rename = "zh")]
    Chinese,
}

impl Language {
    /// All of them, in the order of the menu.
    pub const ALL: [Self; 5] = [
        Self::English,
        Self::German,
        Self::French,
        Self::Spanish,
        Self::Chinese,
    ];

    /// Its name in itself.
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::German => "Deutsch",
            Self::French => "Français",
            Self::Spanish => "Español",
            Self::Chinese => "简体中文",
        }
    }

    /// Its code in ISO 639-1.
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::French => "fr",
            Self::Spanish => "es",
            Self::Chinese => "zh",
        }
    }

    /// Its texts, in Fluent's syntax.
    pub const fn source(self) -> &'static str {
        match self {
            Self::English => include_str!("../../../assets/words/en.ftl"),
            Self::German => include_str!("../../../assets/words/de.ftl"),
            Self::French => include_str!("../../../assets/words/fr.ftl"),
            Self::Spanish => include_str!("../../../assets/words/es.ftl"),
            Self::Chinese => include_str!("../../../assets/words/zh.ftl"),
        }
    }

    /// The first language that the system asks for and the window has; English if there is none.
    pub fn of_system() -> Self {
        Self::first_of(sys_locale::get_locales())
    }

    /// The first of these locales, such as "de-AT", that the window has.
    fn first_of(locales: impl IntoIterator<Item = String>) -> Self {
        locales
            .into_iter()
            .find_map(|locale| Self::of_locale(&locale))
            .unwrap_or(Self::English)
    }

    fn of_locale(locale: &str) -> Option<Self> {
        let mut parts = locale.split(['-', '_']);
        let code = parts.next()?.to_ascii_lowercase();
        let is_traditional =
            parts.any(|part| ["hant", "tw", "hk", "mo"].contains(&&*part.to_ascii_lowercase()));
        let found = Self::ALL
            .into_iter()
            .find(|language| language.code() == code)?;
        // Who reads traditional characters is better served in the language that comes next.
        (found != Self::Chinese || !is_traditional).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_chooses_the_first_language_that_there_is() {
        let check = |locales: &[&str], expected| {
            let given = locales.iter().map(|&locale| locale.to_owned());
            assert_eq!(Language::first_of(given), expected, "{locales:?}");
        };
        check(&["de-AT"], Language::German);
        check(&["fr_CA", "de"], Language::French);
        check(&["sv-SE", "es-MX", "en-US"], Language::Spanish);
        check(&["zh-CN"], Language::Chinese);
        check(&["zh-Hans-SG"], Language::Chinese);
        check(&["zh-TW", "fr"], Language::French);
        check(&["C", "POSIX"], Language::English);
        check(&[], Language::English);
    }

    #[test]
    fn settings_name_a_language_by_its_code() {
        for language in Language::ALL {
            let json = serde_json::to_string(&language).unwrap();
            assert_eq!(json, format!("\"{}\"", language.code()));
        }
    }
}
