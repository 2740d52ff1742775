//! Pickle, as far as a `state_dict` needs it: strings, numbers, tuples, calls and one dictionary.
//!
//! Source: the opcodes' descriptions in CPython's `pickletools`.

/// A pickle that is being written.
#[derive(Debug, Clone, PartialEq)]
pub struct Pickle(Vec<u8>);

impl Pickle {
    /// An empty one, of protocol 2, as PyTorch writes.
    pub fn new() -> Self {
        Self(vec![0x80, 2])
    }

    /// A function or class, such as `collections` and `OrderedDict`.
    pub fn global(&mut self, module: &str, name: &str) {
        self.0.extend(format!("c{module}\n{name}\n").bytes());
    }

    /// A string.
    pub fn text(&mut self, text: &str) {
        self.0.push(b'X');
        self.0.extend((text.len() as u32).to_le_bytes());
        self.0.extend(text.bytes());
    }

    /// An integer from 0 on.
    pub fn int(&mut self, value: usize) {
        match i32::try_from(value) {
            Ok(value) => {
                self.0.push(b'J');
                self.0.extend(value.to_le_bytes());
            }
            // A number of eight bytes.
            Err(_) => {
                self.0.extend([0x8a, 8]);
                self.0.extend((value as u64).to_le_bytes());
            }
        }
    }

    /// `False`.
    pub fn no(&mut self) {
        self.0.push(0x89);
    }

    /// A tuple of what `items` writes.
    pub fn tuple(&mut self, items: impl FnOnce(&mut Self)) {
        self.0.push(b'(');
        items(self);
        self.0.push(b't');
    }

    /// Replaces the function and the tuple of arguments that were written last by the result of the call.
    pub fn call(&mut self) {
        self.0.push(b'R');
    }

    /// Replaces the tuple that was written last by the object that the file keeps elsewhere under this key.
    pub fn persistent(&mut self) {
        self.0.push(b'Q');
    }

    /// Puts the keys and values that `items` writes into the dictionary that was written last.
    pub fn fill(&mut self, items: impl FnOnce(&mut Self)) {
        self.0.push(b'(');
        items(self);
        self.0.push(b'u');
    }

    /// The finished pickle of the object that was written.
    pub fn into_bytes(mut self) -> Vec<u8> {
        self.0.push(b'.');
        self.0
    }
}
