//! What the small windows with fields share: the window, its fields, and how it ends.

use egui::{Align2, Button, Context, Key, Response, TextEdit, Ui, Vec2, Window};

use crate::ui::words::text;

/// Draws a window in the middle, `width` points wide.
pub fn window_ui(ctx: &Context, title: &str, width: f32, content: impl FnOnce(&mut Ui)) {
    Window::new(title)
        .collapsible(false)
        .resizable(false)
        .anchor(Align2::CENTER_CENTER, Vec2::ZERO)
        .show(ctx, |ui| {
            ui.set_width(width);
            content(ui);
        });
}

/// Draws a field of one line behind its name, `width` points wide, and begins it if `has_focus` is still false. Returns
/// whether Enter was pressed in it.
pub fn field_ui(
    ui: &mut Ui,
    name: &str,
    (text, max_chars): (&mut String, usize),
    width: f32,
    has_focus: &mut bool,
) -> bool {
    let label = ui.label(name);
    let edit = TextEdit::singleline(text)
        .desired_width(width)
        .char_limit(max_chars);
    let response = ui.add(edit).labelled_by(label.id);
    if !std::mem::replace(has_focus, true) {
        response.request_focus();
    }
    is_entered(ui, &response)
}

/// Draws Save and Cancel. Returns whether the window ends with what was written (`true`), or without: Enter in a field is
/// Save, and Escape is Cancel.
pub fn end_ui(ui: &mut Ui, can_save: bool, entered: bool) -> Option<bool> {
    end_with_ui(ui, text!("save"), can_save, entered)
}

/// The same with another word for Save.
pub fn end_with_ui(ui: &mut Ui, word: &str, can_save: bool, entered: bool) -> Option<bool> {
    let save = ui.add_enabled(can_save, Button::new(word));
    let canceled = ui.input(|input| input.key_pressed(Key::Escape));
    if ui.button(text!("cancel")).clicked() || canceled {
        return Some(false);
    }
    (save.clicked() || (entered && can_save)).then_some(true)
}

/// Whether Enter ended a field.
fn is_entered(ui: &Ui, response: &Response) -> bool {
    response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter))
}
