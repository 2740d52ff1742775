//! The texts of one language, read once and kept.

use std::{collections::HashMap, sync::OnceLock};

use fluent_bundle::{FluentArgs, FluentResource, concurrent::FluentBundle};
use fluent_syntax::ast::Entry;
use unic_langid::LanguageIdentifier;

use super::language::Language;

/// The texts of one language.
pub struct Catalog {
    bundle: FluentBundle<FluentResource>,
    /// Those without arguments, ready to be shown: the window needs dozens of them for each of its frames.
    plain: HashMap<String, String>,
}

/// The texts of `language`, which stay for as long as the program runs.
pub fn catalog(language: Language) -> &'static Catalog {
    static CATALOGS: [OnceLock<Catalog>; Language::ALL.len()] =
        [const { OnceLock::new() }; Language::ALL.len()];
    CATALOGS[language as usize].get_or_init(|| Catalog::new(language))
}

impl Catalog {
    fn new(language: Language) -> Self {
        // A test reads every file. What is wrong with one costs its message, not the window.
        let resource = match FluentResource::try_new(language.source().to_owned()) {
            Ok(resource) => resource,
            Err((resource, errors)) => {
                log::warn!("texts in {}: {errors:?}", language.code());
                resource
            }
        };
        let keys: Vec<String> = resource
            .entries()
            .filter_map(|entry| match entry {
                Entry::Message(message) => Some(message.id.name.to_owned()),
                _ => None,
            })
            .collect();
        let locale: LanguageIdentifier = language.code().parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![locale]);
        // The marks around arguments are for texts that mix directions, and egui would draw them.
        bundle.set_use_isolating(false);
        bundle.add_resource_overriding(resource);
        let mut catalog = Self {
            bundle,
            plain: HashMap::new(),
        };
        let plain = keys.into_iter().filter_map(|key| {
            let text = catalog.format(&key, None)?;
            Some((key, text))
        });
        catalog.plain = plain.collect();
        catalog
    }

    /// The text of a message without arguments.
    pub fn plain(&self, key: &str) -> Option<&str> {
        self.plain.get(key).map(String::as_str)
    }

    /// The text of a message with arguments.
    pub fn filled(&self, key: &str, args: &FluentArgs<'_>) -> Option<String> {
        self.format(key, Some(args))
    }

    /// The text of a message; `None` if there is no such message, or if it needs an argument that is missing.
    fn format(&self, key: &str, args: Option<&FluentArgs<'_>>) -> Option<String> {
        let pattern = self.bundle.get_message(key)?.value()?;
        let mut errors = Vec::new();
        let text = self.bundle.format_pattern(pattern, args, &mut errors);
        errors.is_empty().then(|| text.into_owned())
    }
}
