//! What the window consists of. A panel draws plain data and returns what was asked for; `App` acts on it.

pub mod about;
pub mod about_form;
pub mod alarm;
pub mod annotation_form;
pub mod assumptions;
pub mod face_panel;
pub mod face_rows;
mod geometry;
pub mod guard;
pub mod many;
pub mod marker_form;
pub mod menu_bar;
pub mod menu_item;
pub mod notices;
pub mod preview;
pub mod readout;
pub mod recording;
pub mod sessions;
pub mod state_screen;
pub mod status_bar;
pub mod streams;
pub mod timeline;
pub mod transport;
mod view_menu;
