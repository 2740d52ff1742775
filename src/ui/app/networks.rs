//! What happens when a network is in use, or could not be.

use std::sync::Arc;

use egui::Context;

use super::App;
use crate::{
    error_text::error_text,
    model::CheckpointInfo,
    ui::{
        commands::Command,
        messages::{Severity, sentence},
        panels::notices::Topic,
        words::text,
    },
};

impl App {
    /// Another network is in use.
    pub(super) fn network_loaded(&mut self, info: Arc<CheckpointInfo>, ctx: &Context, now_s: f64) {
        self.news.loading = false;
        self.notices.withdraw(Topic::Network);
        if let Some(path) = &info.path {
            self.settings.remember_checkpoint(path);
            self.save_settings();
        }
        self.keep_assumptions(&info, ctx, now_s);
        let using = text!("network-now", name = &info.name);
        if let Some(assumed) = info.assumed.as_ref().filter(|assumed| assumed.is_a_guess()) {
            let text = format!("{using} {assumed}.");
            let change = vec![(text!("about-change"), Command::AskAboutNetwork)];
            self.notices.post_with(Severity::Info, text, change, now_s);
        } else if self.news.checkpoint.is_some() {
            // The first one needs no notice.
            self.notices.post(Severity::Info, using, now_s);
        }
        self.news.checkpoint = Some(info);
    }

    /// A network could not be loaded.
    pub(super) fn network_failed(&mut self, reason: &str, now_s: f64) {
        self.news.loading = false;
        self.to_keep = None;
        let remedy = match &self.news.checkpoint {
            Some(info) => text!("network-still", name = &info.name),
            None => text!("network-choose").to_owned(),
        };
        let text = format!("{} {remedy}", sentence(reason));
        let severity = Severity::Error;
        self.notices
            .post_about(Topic::Network, severity, text, now_s);
    }

    /// Another second network reads the same faces, or none does any more.
    pub(super) fn second_changed(&mut self, info: Option<Arc<CheckpointInfo>>) {
        self.readout.show(match &info {
            Some(info) => text!("second-now", name = info.name.as_str()),
            None => text!("second-gone").to_owned(),
        });
        self.agreement.clear();
        // Why there is none any more must stay readable.
        if info.is_some() {
            self.notices.withdraw(Topic::SecondNetwork);
        }
        self.news.second = info;
    }

    /// A second network could not be loaded, or cannot stand beside the current one.
    pub(super) fn second_failed(&mut self, reason: &str, now_s: f64) {
        self.notices.post_about(
            Topic::SecondNetwork,
            Severity::Error,
            sentence(reason),
            now_s,
        );
    }

    /// Writes what was said about a network beside its file, once the network is in use.
    fn keep_assumptions(&mut self, info: &CheckpointInfo, ctx: &Context, now_s: f64) {
        let Some((path, settings)) = self.to_keep.take() else {
            return;
        };
        if info.path.as_ref() != Some(&path) {
            return;
        }
        let keep = move || {
            let error = settings.write_beside(&path).err()?;
            let reason = sentence(&error_text(&error));
            Some(format!("{reason} {}", text!("network-not-kept")))
        };
        if let Err(error) = self.keeping.spawn(ctx, keep) {
            let reason = sentence(&error.to_string());
            self.notices.post(Severity::Warning, reason, now_s);
        }
    }
}
