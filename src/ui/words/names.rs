//! What the window calls things that have names of their own below it.

use super::text;
use crate::{
    export::Format,
    model,
    pipeline::{TURNED_AWAY, UNCERTAIN},
    session::about::Field,
    stream::Output,
};

/// How a label is called in the window: FER-2013's expressions, “uncertain” and “turned away” are translated, other names
/// are as their network's file has them.
pub fn label(name: &'static str) -> &'static str {
    match name {
        "angry" => text!("label-angry"),
        "disgust" => text!("label-disgust"),
        "fear" => text!("label-fear"),
        "happy" => text!("label-happy"),
        "sad" => text!("label-sad"),
        "surprise" => text!("label-surprise"),
        "neutral" => text!("label-neutral"),
        UNCERTAIN => text!("label-uncertain"),
        TURNED_AWAY => text!("label-turned-away"),
        name => name,
    }
}

/// A format of exports, in a menu.
pub fn format(format: Format) -> &'static str {
    match format {
        Format::WebVtt => text!("format-webvtt"),
        Format::Srt => text!("format-srt"),
        Format::Elan => text!("format-elan"),
        Format::Bids => text!("format-bids"),
        Format::PyFeat => text!("format-py-feat"),
        Format::Parquet => text!("format-parquet"),
        Format::Summary => text!("format-summary"),
        Format::Svg => text!("format-svg"),
        Format::Png => text!("format-png"),
        Format::JsonLines => format.title(),
    }
}

/// A live output.
pub fn output(output: Output) -> &'static str {
    match output {
        Output::OscMarkers => text!("stream-osc-markers-name"),
        Output::WebSocket | Output::Osc => output.name(),
    }
}

/// One of the texts about a session.
pub fn field(field: &Field) -> &'static str {
    match field.name {
        "participant" => text!("field-participant"),
        "name" => text!("field-name"),
        "condition" => text!("field-condition"),
        "note" => text!("field-note"),
        name => name,
    }
}

/// Whom a bundled network serves.
pub fn purpose(name: &str) -> &'static str {
    match name {
        "fervis-plus" => text!("model-fervis-plus"),
        "fervis" => text!("model-fervis"),
        "three-block" => text!("model-three-block"),
        name => model::bundled_purpose(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::Labels;

    /// English names are written twice, and must stay the same.
    #[test]
    fn in_english_everything_is_called_as_below() {
        for name in Labels::FER_2013.names().chain([UNCERTAIN, TURNED_AWAY]) {
            assert_eq!(label(name), name);
        }
        for one in Format::ALL {
            assert_eq!(format(one), one.title());
        }
        for one in Output::ALL {
            assert_eq!(output(one), one.name());
        }
        for name in model::bundled_names() {
            assert_eq!(purpose(name), model::bundled_purpose(name));
        }
    }
}
