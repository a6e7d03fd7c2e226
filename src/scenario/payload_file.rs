//! A file that payloads are taken from.

use std::fmt;
use std::sync::Arc;

/// A file's bytes, and its lines where records are lines. Clones share them.
#[derive(Clone, PartialEq, Eq)]
pub struct PayloadFile {
    bytes: Arc<[u8]>,
    /// Where each line that holds something begins, and how many bytes it has without its end.
    lines: Arc<[(u64, u32)]>,
}

impl PayloadFile {
    /// Takes a file apart at its line ends, `\n` or `\r\n`. Lines that hold nothing are left out.
    pub fn new(bytes: Vec<u8>) -> Self {
        let mut lines = Vec::new();
        let mut start = 0;
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            let held = line.strip_suffix(b"\n").unwrap_or(line);
            let held = held.strip_suffix(b"\r").unwrap_or(held);
            if !held.is_empty() {
                lines.push((start, u32::try_from(held.len()).unwrap_or(u32::MAX)));
            }
            start += line.len() as u64;
        }
        Self {
            bytes: bytes.into(),
            lines: lines.into(),
        }
    }

    /// All of it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many lines hold something.
    pub fn line_count(&self) -> usize {
        self.lines.len()
    }

    /// A line; nothing past the last.
    pub fn line(&self, index: usize) -> &[u8] {
        self.lines.get(index).map_or(&[], |&(start, length)| {
            let start = start as usize;
            &self.bytes[start..start + length as usize]
        })
    }

    /// The bytes of each line.
    pub fn line_bytes(&self) -> impl Iterator<Item = u64> {
        self.lines.iter().map(|&(_, length)| u64::from(length))
    }
}

impl fmt::Debug for PayloadFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bytes, lines) = (self.bytes.len(), self.lines.len());
        write!(f, "PayloadFile({bytes} bytes, {lines} lines)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_with_either_line_end_and_empty_ones_are_left_out() {
        let file = PayloadFile::new(b"one\r\n\n\r\ntwo \nthree".to_vec());
        let lines: Vec<_> = (0..4).map(|index| file.line(index)).collect();
        assert_eq!(lines, [&b"one"[..], b"two ", b"three", b""]);
        assert_eq!((file.line_count(), file.bytes().len()), (3, 18));
        assert!(file.line_bytes().eq([3, 4, 5]));
    }
}
