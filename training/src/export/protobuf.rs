//! Protocol buffers, as far as ONNX needs them: fields of numbers, bytes and messages.
//!
//! A crate would need every message of `onnx.proto` declared, which takes more lines than these five kinds of field.
//! Source: protobuf.dev/programming-guides/encoding.

/// How a field is encoded, the lowest three bits of its tag.
#[derive(Clone, Copy)]
enum Wire {
    Varint = 0,
    Length = 2,
    Four = 5,
}

/// A message; fields are in the order in which they are added.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Message(Vec<u8>);

impl Message {
    /// A field of type `int32`, `int64` or an enumeration.
    #[must_use]
    pub fn int(mut self, field: u32, value: i64) -> Self {
        self.tag(field, Wire::Varint);
        // Negative numbers are the 64 bits of their two's complement.
        self.varint(value as u64);
        self
    }

    /// A field of type `float`.
    #[must_use]
    pub fn float(mut self, field: u32, value: f32) -> Self {
        self.tag(field, Wire::Four);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// A field of type `bytes`, `string`, or another message.
    #[must_use]
    pub fn bytes(mut self, field: u32, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        self.tag(field, Wire::Length);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    /// One field of type `int64` for each value.
    #[must_use]
    pub fn ints(self, field: u32, values: impl IntoIterator<Item = usize>) -> Self {
        let values = values.into_iter();
        values.fold(self, |message, value| message.int(field, value as i64))
    }

    /// One field for each message.
    #[must_use]
    pub fn messages(self, field: u32, messages: impl IntoIterator<Item = Self>) -> Self {
        let messages = messages.into_iter();
        messages.fold(self, |message, inner| message.bytes(field, inner))
    }

    fn tag(&mut self, field: u32, wire: Wire) {
        self.varint(u64::from(field << 3) | wire as u64);
    }

    /// Seven bits a byte, the lowest first; the eighth says that more follow.
    fn varint(&mut self, mut value: u64) {
        while value > 0x7f {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    /// The message as it is written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the encoding's own documentation.
    #[test]
    fn fields_are_encoded_as_documented() {
        let check = |message: Message, bytes: &[u8]| assert_eq!(message.into_bytes(), bytes);
        check(Message::default().int(1, 150), b"\x08\x96\x01");
        check(Message::default().bytes(2, "testing"), b"\x12\x07testing");
        let inner = Message::default().int(1, 150);
        check(
            Message::default().messages(3, [inner]),
            b"\x1a\x03\x08\x96\x01",
        );
        check(
            Message::default().int(1, -2),
            b"\x08\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        );
        check(Message::default().float(1, 1.0), b"\x0d\0\0\x80\x3f");
        check(
            Message::default().ints(4, [3, 270]),
            b"\x20\x03\x20\x8e\x02",
        );
    }
}
