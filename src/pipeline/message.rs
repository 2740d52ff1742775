//! The messages between stages, and how they are passed on.
//!
//! The end of a source is a message like any other, so that it cannot overtake the last frame.

use std::{borrow::Borrow, sync::Arc};

use super::{
    SourceState,
    cancel::CancelToken,
    latest::Latest,
    shared::{Run, Shared},
};
use crate::frame::Frame;

/// Mailbox between two stages.
pub(super) type Slot<T> = Arc<Latest<Message<T>>>;

/// A frame or the end of a source, on its way to the next stage.
#[derive(Debug)]
pub(super) struct Message<T> {
    /// The source.
    pub run: Run,
    /// Whether it waits for the next stage instead of replacing an unread message.
    pub lossless: bool,
    /// The content.
    pub item: Item<T>,
}

/// What a [`Message`] carries.
#[derive(Debug)]
pub(super) enum Item<T> {
    /// A frame, with the results of the stages so far.
    Frame(T),
    /// No more frames will come. Holds the reason, unless the reader already has it.
    End(Option<SourceState>),
}

impl<T> Message<T> {
    /// The end of a source. It always waits: if it replaced the last frame, its result would be lost.
    pub fn end(run: Run, state: Option<SourceState>) -> Self {
        Self {
            run,
            lossless: true,
            item: Item::End(state),
        }
    }
}

/// Passes a message on, waiting if it is lossless. Returns the message that will never be read because of it.
pub(super) fn pass_on<T>(
    slot: &Latest<Message<T>>,
    message: Message<T>,
    cancel: &CancelToken,
) -> Option<Message<T>> {
    if message.lossless {
        slot.put_wait_unless(message, cancel).err()
    } else {
        slot.put(message)
    }
}

/// As [`pass_on`], to a stage of the analysis: a frame that is lost there is never analyzed, so it counts as dropped.
pub(super) fn hand_over<T: Borrow<Arc<Frame>>>(
    slot: &Latest<Message<T>>,
    message: Message<T>,
    shared: &Shared,
    cancel: &CancelToken,
) {
    if let Some(Message {
        run,
        item: Item::Frame(lost),
        ..
    }) = pass_on(slot, message, cancel)
    {
        shared.skipped(run, lost.borrow());
    }
}
