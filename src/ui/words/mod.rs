//! The texts of the window, in the language that was chosen.
//!
//! They stand in `assets/words/`, a file per language, in the syntax of [Fluent](https://projectfluent.org). English is
//! the source: what another language lacks appears in English. [`text!`](text) is the way to all of them. What comes from
//! below the window, such as the reason of an error, is English, and so is whatever goes into files.

mod catalog;
mod language;
mod names;
#[cfg(test)]
mod tests;

use fluent_bundle::FluentArgs;

use self::catalog::{Catalog, catalog};
pub use self::{
    language::Language,
    names::{field, format, label, output, purpose},
};

/// A text of the window: `text!("file-quit")` is a `&'static str`, without any work that counts. With arguments, as in
/// `text!("face-name", number = 3)`, it is a new `String`. Numbers choose the plural; everything else is shown as it is.
///
/// `tests` checks that every key that is written here is in every language, with the same arguments.
macro_rules! text {
    ($key:literal $(,)?) => {
        $crate::ui::words::plain($key)
    };
    ($key:literal, $($name:ident = $value:expr),+ $(,)?) => {{
        let mut args = fluent_bundle::FluentArgs::new();
        $(args.set(stringify!($name), $value);)+
        $crate::ui::words::filled($key, &args)
    }};
}
pub(super) use text;

/// Takes the texts from this language from now on.
pub fn set_language(language: Language) {
    current::set(language as usize);
}

/// The language that the texts are in.
pub fn language() -> Language {
    Language::ALL[current::get()]
}

/// The text of `key`, which has no arguments. Use [`text!`](text).
pub fn plain(key: &'static str) -> &'static str {
    let find = |catalog: &'static Catalog| catalog.plain(key);
    find_in_order(find).unwrap_or(key)
}

/// The text of `key` with `args`. Use [`text!`](text).
pub fn filled(key: &'static str, args: &FluentArgs<'_>) -> String {
    let find = |catalog: &'static Catalog| catalog.filled(key, args);
    find_in_order(find).unwrap_or_else(|| key.to_owned())
}

/// What is found in the current language, or else in English.
fn find_in_order<T>(find: impl Fn(&'static Catalog) -> Option<T>) -> Option<T> {
    find(catalog(language())).or_else(|| find(catalog(Language::English)))
}

#[cfg(not(test))]
mod current {
    //! The window has one language, whichever thread makes a text.

    use std::sync::atomic::{AtomicUsize, Ordering};

    static CURRENT: AtomicUsize = AtomicUsize::new(0);

    pub fn set(index: usize) {
        CURRENT.store(index, Ordering::Relaxed);
    }

    pub fn get() -> usize {
        CURRENT.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod current {
    //! Each test has its own language, English unless it chooses another.

    use std::cell::Cell;

    thread_local! {
        static CURRENT: Cell<usize> = const { Cell::new(0) };
    }

    pub fn set(index: usize) {
        CURRENT.set(index);
    }

    pub fn get() -> usize {
        CURRENT.get()
    }
}
