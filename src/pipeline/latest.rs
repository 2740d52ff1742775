//! A mailbox with one slot, for data of which only the newest counts.
//!
//! It is not a queue: [`Latest::put`] takes an unread value out to make room and returns it, so that the loss can be
//! counted. Where nothing may be lost, [`Latest::put_wait`] waits for the reader instead.

use std::{convert::Infallible, sync::Mutex, time::Duration};

use crossbeam_channel::{Receiver, RecvTimeoutError, Select, Sender, select};

use super::cancel::CancelToken;
use crate::panics::lock;

/// One slot between threads. Any number of them may put and take; values come out in the order they went in.
pub struct Latest<T> {
    slot_in: Sender<T>,
    slot_out: Receiver<T>,
    /// Disconnects on [`Latest::close`], which wakes everyone who waits.
    closed: Receiver<Infallible>,
    /// Held by whoever puts a value in, so that replacing an unread value is one step. `None` once closed. Readers need
    /// no lock.
    open: Mutex<Option<Sender<Infallible>>>,
}

impl<T> Default for Latest<T> {
    fn default() -> Self {
        let (slot_in, slot_out) = crossbeam_channel::bounded(1);
        let (open, closed) = crossbeam_channel::bounded(0);
        Self {
            slot_in,
            slot_out,
            closed,
            open: Mutex::new(Some(open)),
        }
    }
}

impl<T> Latest<T> {
    /// Puts `value` in. Returns the value that will never be read because of it: the unread one that it replaces, or
    /// `value` itself if the mailbox is closed. Never blocks on a reader.
    #[must_use = "a value that comes back was lost and should be counted"]
    pub fn put(&self, mut value: T) -> Option<T> {
        let open = lock(&self.open);
        if open.is_none() {
            return Some(value);
        }
        let mut unread = None;
        // All writers hold the lock, so the slot can only get emptier: the second round succeeds.
        loop {
            match self.slot_in.try_send(value) {
                Ok(()) => return unread,
                Err(full) => value = full.into_inner(),
            }
            unread = self.slot_out.try_recv().ok().or(unread);
        }
    }

    /// Puts `value` in as soon as the slot is free.
    ///
    /// # Errors
    /// Returns `value` if the mailbox is closed, now or while waiting.
    pub fn put_wait(&self, value: T) -> Result<(), T> {
        self.put_wait_unless(value, &CancelToken::never())
    }

    /// As [`Latest::put_wait`], but gives up once canceled.
    pub(super) fn put_wait_unless(&self, mut value: T, cancel: &CancelToken) -> Result<(), T> {
        loop {
            {
                let open = lock(&self.open);
                if open.is_none() || cancel.is_canceled() {
                    return Err(value);
                }
                match self.slot_in.try_send(value) {
                    Ok(()) => return Ok(()),
                    Err(full) => value = full.into_inner(),
                }
            }
            // Waits until a try may succeed; the try itself is made under the lock, like every change.
            let mut wait = Select::new();
            wait.send(&self.slot_in);
            wait.recv(&self.closed);
            wait.recv(cancel.receiver());
            wait.ready();
        }
    }

    /// Waits for a value; `None` once the mailbox is closed and empty.
    pub fn take(&self) -> Option<T> {
        select! {
            recv(self.slot_out) -> value => value.ok(),
            recv(self.closed) -> _ => self.try_take(),
        }
    }

    /// Waits for a value, at most for `timeout`.
    ///
    /// # Errors
    /// `Timeout`, or `Disconnected` once the mailbox is closed and empty.
    pub fn take_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        select! {
            recv(self.slot_out) -> value => value.map_err(|_| RecvTimeoutError::Disconnected),
            recv(self.closed) -> _ => self.try_take().ok_or(RecvTimeoutError::Disconnected),
            default(timeout) => Err(RecvTimeoutError::Timeout),
        }
    }

    /// The value, if there is one now.
    pub fn try_take(&self) -> Option<T> {
        self.slot_out.try_recv().ok()
    }

    /// Closes the mailbox: it accepts no more values, and nobody waits any more. A value inside can still be taken.
    pub fn close(&self) {
        lock(&self.open).take();
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::VecDeque, sync::Arc, thread};

    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Put,
        TryTake,
        PutWaitIfFree,
        Close,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            8 => Just(Step::Put),
            6 => Just(Step::TryTake),
            4 => Just(Step::PutWaitIfFree),
            1 => Just(Step::Close),
        ];
        prop::collection::vec(step, 0..60)
    }

    proptest! {
        /// Against the plain model: an optional value and a flag.
        #[test]
        fn behaves_as_one_slot(steps in steps()) {
            let mailbox = Latest::default();
            let mut slot: Option<u32> = None;
            let mut closed = false;
            for (number, step) in (0u32..).zip(steps) {
                match step {
                    Step::Put if closed => prop_assert_eq!(mailbox.put(number), Some(number)),
                    Step::Put => prop_assert_eq!(mailbox.put(number), slot.replace(number)),
                    Step::TryTake => prop_assert_eq!(mailbox.try_take(), slot.take()),
                    Step::PutWaitIfFree if closed => {
                        prop_assert_eq!(mailbox.put_wait(number), Err(number));
                    }
                    Step::PutWaitIfFree if slot.is_none() => {
                        prop_assert_eq!(mailbox.put_wait(number), Ok(()));
                        slot = Some(number);
                    }
                    Step::PutWaitIfFree => {}
                    Step::Close => {
                        mailbox.close();
                        closed = true;
                    }
                }
            }
            mailbox.close();
            prop_assert_eq!(mailbox.take(), slot.take());
            prop_assert_eq!(mailbox.take(), None);
        }
    }

    /// What is read and what comes back from `put` are together exactly what was put, in order, newest included.
    #[test]
    fn nothing_is_lost_unseen_or_read_twice_between_threads() {
        const N: u32 = 20_000;
        let mailbox = Arc::new(Latest::default());
        let reader = thread::spawn({
            let mailbox = Arc::clone(&mailbox);
            move || std::iter::from_fn(|| mailbox.take()).collect::<Vec<u32>>()
        });
        let replaced: Vec<u32> = (0..N).filter_map(|number| mailbox.put(number)).collect();
        mailbox.close();
        let read = reader.join().expect("the reader does not panic");
        assert!(read.is_sorted() && replaced.is_sorted());
        assert_eq!(
            read.last(),
            Some(&(N - 1)),
            "the newest value always arrives"
        );
        let mut all: Vec<u32> = read.into_iter().chain(replaced).collect();
        all.sort_unstable();
        assert!(all.iter().copied().eq(0..N));
    }

    #[test]
    fn waiting_writers_lose_nothing() {
        const N: u32 = 5_000;
        let mailbox = Arc::new(Latest::default());
        let writers: Vec<_> = [0, 1]
            .map(|parity| {
                let mailbox = Arc::clone(&mailbox);
                thread::spawn(move || {
                    for number in 0..N {
                        mailbox
                            .put_wait(2 * number + parity)
                            .expect("still open while written to");
                    }
                })
            })
            .into_iter()
            .collect();
        let mut expected = [VecDeque::from_iter(0..N), VecDeque::from_iter(0..N)];
        for _ in 0..2 * N {
            let value = mailbox.take().expect("still open");
            // Each writer's own values stay in order.
            assert_eq!(
                expected[(value % 2) as usize].pop_front(),
                Some(value / 2),
                "at {value}"
            );
        }
        for writer in writers {
            writer.join().expect("the writer does not panic");
        }
        assert_eq!(mailbox.try_take(), None);
    }

    #[test]
    fn close_ends_every_wait() {
        let full = Arc::new(Latest::default());
        assert_eq!(full.put(1), None);
        let empty = Arc::new(Latest::<u32>::default());
        let (_canceller, token) = crate::pipeline::cancel::cancel_pair();
        let writer = thread::spawn({
            let full = Arc::clone(&full);
            move || full.put_wait_unless(2, &token)
        });
        let reader = thread::spawn({
            let empty = Arc::clone(&empty);
            move || empty.take()
        });
        let patient_reader = thread::spawn({
            let empty = Arc::clone(&empty);
            move || empty.take_timeout(Duration::from_secs(3600))
        });
        full.close();
        empty.close();
        assert_eq!(writer.join().expect("no panic"), Err(2));
        assert_eq!(reader.join().expect("no panic"), None);
        assert_eq!(
            patient_reader.join().expect("no panic"),
            Err(RecvTimeoutError::Disconnected)
        );
        assert_eq!(full.take(), Some(1), "what was inside can still be read");
    }

    #[test]
    fn a_canceled_writer_gives_up() {
        let mailbox = Arc::new(Latest::default());
        assert_eq!(mailbox.put(1), None);
        let (canceller, token) = crate::pipeline::cancel::cancel_pair();
        let writer = thread::spawn({
            let mailbox = Arc::clone(&mailbox);
            move || mailbox.put_wait_unless(2, &token)
        });
        drop(canceller);
        assert_eq!(writer.join().expect("no panic"), Err(2));
        assert_eq!(mailbox.take_timeout(Duration::ZERO), Ok(1));
        assert_eq!(
            mailbox.take_timeout(Duration::ZERO),
            Err(RecvTimeoutError::Timeout)
        );
    }
}
