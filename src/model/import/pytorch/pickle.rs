//! Reads a pickle without running it.
//!
//! A pickle is a program for Python's unpickler that may name any function and have it called, which is why opening a
//! stranger's `.pth` in Python can run a stranger's code. Here a call is only recorded ([`Value::Call`]), and nothing in
//! this crate executes it. Opcodes that PyTorch's files do not use are refused.
//!
//! Values live in one arena and refer to each other by number, as Python's do by reference: a list may contain itself, and
//! a value that is used a million times exists once. Any walk over them must be bounded. Python's `pickletools` module
//! documents the opcodes.

use std::collections::HashMap;

/// The maximum number of values, more than any file of weights has. It limits the memory to about 200 MB.
const MAX_VALUES: usize = 4_000_000;

/// Number of a [`Value`] in its [`Pickle`].
pub type Id = u32;

/// A Python value. Strings point into the file.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An integer; those of more than 64 bits are [`Value::Other`].
    Int(i64),
    /// A string.
    Text(&'a str),
    /// A tuple, list or set.
    Sequence(Vec<Id>),
    /// A dictionary, in order.
    Dict(Vec<(Id, Id)>),
    /// The name of a class or function, as `module` and `name`.
    Global(&'a str, &'a str),
    /// The result of calling `function` with `arguments`, which is then given `state`.
    Call {
        /// Usually a [`Value::Global`].
        function: Id,
        /// Usually a [`Value::Sequence`].
        arguments: Id,
        /// What `BUILD` adds, usually the object's fields.
        state: Option<Id>,
    },
    /// Something outside the pickle, such as a tensor's storage.
    Persistent(Id),
    /// A value that is not used here: floats, bytes, huge integers.
    Other,
}

/// The values of one pickle.
#[derive(Debug)]
pub struct Pickle<'a> {
    values: Vec<Value<'a>>,
    root: Id,
    n_bytes: usize,
}

impl<'a> Pickle<'a> {
    /// Reads the pickle at the start of `bytes`.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence.
    pub fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let mut machine = Machine {
            bytes,
            position: 0,
            values: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
        };
        let root = machine.run()?;
        Ok(Self {
            values: machine.values,
            root,
            n_bytes: machine.position,
        })
    }

    /// The top-level value.
    pub fn root(&self) -> Id {
        self.root
    }

    /// Length of the pickle in bytes; others may follow it.
    pub fn n_bytes(&self) -> usize {
        self.n_bytes
    }

    /// The numbers of all values.
    pub fn ids(&self) -> impl Iterator<Item = Id> + use<> {
        0..self.values.len() as Id
    }

    /// The value with this number.
    pub fn get(&self, id: Id) -> &Value<'a> {
        &self.values[id as usize]
    }

    /// The string, if it is one.
    pub fn text(&self, id: Id) -> Option<&'a str> {
        match self.get(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The integer, if it is one and not negative.
    pub fn count(&self, id: Id) -> Option<usize> {
        match self.get(id) {
            Value::Int(int) => usize::try_from(*int).ok(),
            _ => None,
        }
    }

    /// The items, if it is a tuple or list.
    pub fn items(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Value::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The entries, if it is a dictionary.
    pub fn entries(&self, id: Id) -> Option<&[(Id, Id)]> {
        match self.get(id) {
            Value::Dict(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value under a key of a dictionary; if the key occurs twice, the last, as in Python.
    pub fn entry(&self, dict: Id, key: &str) -> Option<Id> {
        let entries = self.entries(dict)?.iter().rev();
        let mut found = entries.filter(|(name, _)| self.text(*name) == Some(key));
        found.next().map(|(_, value)| *value)
    }

    /// The function's module and name and its arguments, if it is a call.
    pub fn call(&self, id: Id) -> Option<((&'a str, &'a str), &[Id])> {
        let Value::Call {
            function,
            arguments,
            ..
        } = self.get(id)
        else {
            return None;
        };
        let Value::Global(module, name) = self.get(*function) else {
            return None;
        };
        Some(((module, name), self.items(*arguments)?))
    }
}

/// The unpickler's stack machine.
struct Machine<'a> {
    bytes: &'a [u8],
    position: usize,
    values: Vec<Value<'a>>,
    stack: Vec<Id>,
    /// Heights of the stack at each open mark.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl<'a> Machine<'a> {
    /// Runs to the end of the pickle and returns its value.
    fn run(&mut self) -> Result<Id, String> {
        loop {
            let opcode = self.byte()?;
            if opcode == b'.' {
                return self.pop();
            }
            self.step(opcode)?;
            let sizes = [
                self.values.len(),
                self.stack.len(),
                self.marks.len(),
                self.memo.len(),
            ];
            if sizes.iter().any(|size| *size > MAX_VALUES) {
                return Err("it holds millions of values, more than weights have".to_owned());
            }
        }
    }

    fn step(&mut self, opcode: u8) -> Result<(), String> {
        match opcode {
            0x80 => drop(self.byte()?),  // PROTO
            0x95 => drop(self.take(8)?), // FRAME
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?), // POP
            b'1' => drop(self.pop_mark()?),
            b'2' => self.stack.push(self.top()?),
            b'N' => self.push(Value::None),
            0x88 => self.push(Value::Bool(true)),
            0x89 => self.push(Value::Bool(false)),
            b'K' => {
                let value = self.byte()?;
                self.push(Value::Int(value.into()));
            }
            b'M' => {
                let value = u16::from_le_bytes(self.array()?);
                self.push(Value::Int(value.into()));
            }
            b'J' => {
                let value = i32::from_le_bytes(self.array()?);
                self.push(Value::Int(value.into()));
            }
            0x8a => {
                let length = usize::from(self.byte()?);
                let value = self.take(length)?;
                self.push(long(value));
            }
            b'G' => self.skip_value(8)?, // BINFLOAT
            b'X' | 0x8c | 0x8d => {
                let length = self.length(match opcode {
                    b'X' => 4,
                    0x8c => 1,
                    _ => 8,
                })?;
                let text = std::str::from_utf8(self.take(length)?)
                    .map_err(|_| "it holds a string that is not UTF-8".to_owned())?;
                self.push(Value::Text(text));
            }
            b'B' | b'C' | b'T' | b'U' | 0x8e => {
                let length = self.length(match opcode {
                    b'B' | b'T' => 4,
                    b'C' | b'U' => 1,
                    _ => 8,
                })?;
                self.skip_value(length)?;
            }
            b')' | b']' | 0x8f => self.push(Value::Sequence(Vec::new())),
            b'}' => self.push(Value::Dict(Vec::new())),
            b't' | b'l' | 0x91 => {
                let items = self.pop_mark()?;
                self.push(Value::Sequence(items));
            }
            0x85..=0x87 => {
                let n = usize::from(opcode - 0x84);
                let first = self.stack.len().checked_sub(n).ok_or_else(underflow)?;
                let items = self.split_off(first)?;
                self.push(Value::Sequence(items));
            }
            b'd' => {
                let items = self.pop_mark()?;
                let entries = pairs(&items)?;
                self.push(Value::Dict(entries));
            }
            b'a' => {
                let item = self.pop()?;
                self.extend_sequence(&[item])?;
            }
            b'e' | 0x90 => {
                let items = self.pop_mark()?;
                self.extend_sequence(&items)?;
            }
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.extend_dict(&[key, value])?;
            }
            b'u' => {
                let items = self.pop_mark()?;
                self.extend_dict(&items)?;
            }
            b'c' => {
                let module = self.line()?;
                let name = self.line()?;
                self.push(Value::Global(module, name));
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                match (&self.values[module as usize], &self.values[name as usize]) {
                    (Value::Text(module), Value::Text(name)) => {
                        let global = Value::Global(module, name);
                        self.push(global);
                    }
                    _ => {
                        return Err("it names a class by something that is not a string".to_owned());
                    }
                }
            }
            b'R' | 0x81 => {
                let (arguments, function) = (self.pop()?, self.pop()?);
                self.call(function, arguments);
            }
            b'b' => {
                let state = self.pop()?;
                let object = self.top()? as usize;
                // The state of a dictionary is PyTorch's `_metadata`, which is not used.
                if let Value::Call { state: slot, .. } = &mut self.values[object] {
                    *slot = Some(state);
                }
            }
            b'Q' => {
                let id = self.pop()?;
                self.push(Value::Persistent(id));
            }
            b'q' => {
                let slot = self.byte()?;
                self.memo.insert(slot.into(), self.top()?);
            }
            b'r' => {
                let slot = u32::from_le_bytes(self.array()?);
                self.memo.insert(slot, self.top()?);
            }
            0x94 => {
                let slot = self.memo.len() as u32;
                self.memo.insert(slot, self.top()?);
            }
            b'h' => {
                let slot = self.byte()?;
                self.recall(slot.into())?;
            }
            b'j' => {
                let slot = u32::from_le_bytes(self.array()?);
                self.recall(slot)?;
            }
            _ => {
                return Err(format!(
                    "its pickle holds the opcode {opcode:#04x}, which PyTorch's files do not use"
                ));
            }
        }
        Ok(())
    }

    /// An ordered dictionary becomes a dictionary; every other call is recorded.
    fn call(&mut self, function: Id, arguments: Id) {
        let is_dict = matches!(
            self.values[function as usize],
            Value::Global("collections", "OrderedDict" | "defaultdict")
        );
        self.push(if is_dict {
            Value::Dict(Vec::new())
        } else {
            Value::Call {
                function,
                arguments,
                state: None,
            }
        });
    }

    fn extend_sequence(&mut self, items: &[Id]) -> Result<(), String> {
        let target = self.top()? as usize;
        match &mut self.values[target] {
            Value::Sequence(sequence) => sequence.extend_from_slice(items),
            // A custom class that behaves like a list.
            Value::Call { .. } => {}
            _ => return Err("it appends to something that is not a list".to_owned()),
        }
        Ok(())
    }

    fn extend_dict(&mut self, items: &[Id]) -> Result<(), String> {
        let new = pairs(items)?;
        let target = self.top()? as usize;
        match &mut self.values[target] {
            Value::Dict(entries) => entries.extend(new),
            // A custom class that behaves like a dictionary.
            Value::Call { .. } => {}
            _ => return Err("it sets an entry of something that is not a dictionary".to_owned()),
        }
        Ok(())
    }

    fn recall(&mut self, slot: u32) -> Result<(), String> {
        let id = self.memo.get(&slot).copied();
        self.stack
            .push(id.ok_or_else(|| "it refers to a value that it does not hold".to_owned())?);
        Ok(())
    }

    fn push(&mut self, value: Value<'a>) {
        self.stack.push(self.values.len() as Id);
        self.values.push(value);
    }

    /// Skips a value that is not used.
    fn skip_value(&mut self, length: usize) -> Result<(), String> {
        self.take(length)?;
        self.push(Value::Other);
        Ok(())
    }

    fn top(&self) -> Result<Id, String> {
        // Values below a mark belong to an outer construct.
        let floor = self.marks.last().copied().unwrap_or(0);
        let above = self.stack.get(floor..).unwrap_or_default();
        above.last().copied().ok_or_else(underflow)
    }

    fn pop(&mut self) -> Result<Id, String> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_mark(&mut self) -> Result<Vec<Id>, String> {
        let mark = self.marks.pop().ok_or_else(underflow)?;
        self.split_off(mark)
    }

    fn split_off(&mut self, first: usize) -> Result<Vec<Id>, String> {
        let floor = self.marks.last().copied().unwrap_or(0);
        if first < floor || first > self.stack.len() {
            return Err(underflow());
        }
        Ok(self.stack.split_off(first))
    }

    fn byte(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// A length of 1, 4 or 8 bytes.
    fn length(&mut self, n_bytes: usize) -> Result<usize, String> {
        let mut wide = [0; 8];
        wide[..n_bytes].copy_from_slice(self.take(n_bytes)?);
        usize::try_from(u64::from_le_bytes(wide)).map_err(|_| cut_off())
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let rest = &self.bytes[self.position..];
        let taken = rest.get(..length).ok_or_else(cut_off)?;
        self.position += length;
        Ok(taken)
    }

    fn line(&mut self) -> Result<&'a str, String> {
        let rest = &self.bytes[self.position..];
        let length = rest.iter().position(|byte| *byte == b'\n');
        let line = self.take(length.ok_or_else(cut_off)?)?;
        self.position += 1;
        std::str::from_utf8(line).map_err(|_| "it names a class that is not UTF-8".to_owned())
    }
}

/// A little-endian integer in two's complement, of any length.
fn long<'a>(bytes: &[u8]) -> Value<'a> {
    if bytes.len() > 8 {
        return Value::Other;
    }
    let negative = bytes.last().is_some_and(|byte| *byte >= 0x80);
    let mut wide = [if negative { 0xff } else { 0 }; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    Value::Int(i64::from_le_bytes(wide))
}

fn pairs(items: &[Id]) -> Result<Vec<(Id, Id)>, String> {
    if !items.len().is_multiple_of(2) {
        return Err("it holds a dictionary with a key and no value".to_owned());
    }
    Ok(items
        .chunks_exact(2)
        .map(|pair| (pair[0], pair[1]))
        .collect())
}

fn underflow() -> String {
    "its pickle pops more values than it pushes".to_owned()
}

fn cut_off() -> String {
    "its pickle is cut off".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `pickle.dumps({"a": [1, -2, 3.5, 2**40, None, True], "b": ("x", "x")}, protocol)`, hexadecimal.
    const PROTOCOL_2: &str = "80027d71002858010000006171015d7102284b014afeffffff47400c000000000000\
        8a060000000000014e8865580100000062710358010000007871046804867105752e";
    const PROTOCOL_4: &str = "80049533000000000000007d94288c0161945d94284b014afeffffff47400c000000\
        0000008a060000000000014e88658c0162948c01789468048694752e";

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let value = |digit: u8| (digit as char).to_digit(16).unwrap() as u8;
        let pair = |pair: &[u8]| value(pair[0]) * 16 + value(pair[1]);
        digits.chunks(2).map(pair).collect()
    }

    #[test]
    fn values_are_read_in_both_protocols() {
        for hex in [PROTOCOL_2, PROTOCOL_4] {
            let bytes = bytes(hex);
            let pickle = Pickle::read(&bytes).unwrap();
            assert_eq!(pickle.n_bytes(), bytes.len());
            let list = pickle.entry(pickle.root(), "a").unwrap();
            let list = pickle.items(list).unwrap();
            let values: Vec<_> = list.iter().map(|id| pickle.get(*id).clone()).collect();
            let expected = [
                Value::Int(1),
                Value::Int(-2),
                Value::Other,
                Value::Int(1 << 40),
                Value::None,
                Value::Bool(true),
            ];
            assert_eq!(values, expected);
            let tuple = pickle.entry(pickle.root(), "b").unwrap();
            let tuple = pickle.items(tuple).unwrap();
            assert_eq!(tuple.len(), 2);
            assert!(tuple.iter().all(|id| pickle.text(*id) == Some("x")));
        }
    }

    /// What Python would run as `os.system("true")` is a value like any other.
    #[test]
    fn a_call_is_recorded_and_not_made() {
        let pickle = Pickle::read(b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R.").unwrap();
        let (function, arguments) = pickle.call(pickle.root()).unwrap();
        assert_eq!(function, ("os", "system"));
        assert_eq!(pickle.text(arguments[0]), Some("true"));
    }

    #[track_caller]
    fn refused(bytes: &[u8], words: &str) {
        let reason = Pickle::read(bytes).unwrap_err();
        assert!(reason.contains(words), "{reason}");
    }

    #[test]
    fn nonsense_is_refused() {
        refused(b"", "cut off");
        refused(b".", "more values than");
        refused(b"\x80\x02", "cut off");
        refused(b"X\xff\xff\xff\xffabc", "cut off");
        refused(b"\x8d\xff\xff\xff\xff\xff\xff\xff\xffabc", "cut off");
        refused(b"X\x01\x00\x00\x00\xff.", "not UTF-8");
        refused(b"}K\x01s.", "more values than");
        refused(b"}(K\x01u.", "a key and no value");
        refused(b"K\x01K\x01a.", "not a list");
        refused(b"K\x01(K\x01K\x01u.", "not a dictionary");
        refused(b"t.", "more values than");
        refused(b"K\x01(0.", "more values than");
        refused(b"K\x01(\x85.", "more values than");
        refused(b"h\x07.", "does not hold");
        refused(b"K\x01K\x02\x93.", "not a string");
        refused(b"cos\nsystem", "cut off");
        refused(b"\xfe.", "0xfe");
        refused(b"iposix\nsystem\n.", "0x69");
    }

    #[test]
    fn the_memory_is_bounded() {
        refused(&vec![b')'; MAX_VALUES + 2], "millions");
        let mut copies = b"N".to_vec();
        copies.extend(vec![b'2'; MAX_VALUES + 2]);
        refused(&copies, "millions");
        // Each line doubles the one before: 2⁵⁰ items if they were copied.
        let mut doubling = b"K\x01".to_vec();
        doubling.extend(b"2\x86".repeat(50));
        doubling.push(b'.');
        assert_eq!(Pickle::read(&doubling).unwrap().values.len(), 51);
        // A list that holds itself.
        let pickle = Pickle::read(b"]q\x00h\x00a.").unwrap();
        assert_eq!(pickle.items(pickle.root()), Some([0].as_slice()));
    }
}
