//! Memory for the content of one document.

use std::io::{self, Read};
use std::ops::Deref;

use bytes::Bytes;
use memmap2::MmapMut;

use crate::memory_budget::Share;

/// From which size on a content has pages of its own, which go back to the system when it is dropped. The C library
/// would keep as much as the largest document for each thread that has ever held one.
const OWN_PAGES: usize = 128 << 10;

/// Bytes that arrive piece by piece, in one piece of memory of the size that was asked for.
#[derive(Debug)]
pub struct Buffer {
    memory: Memory,
    length: usize,
}

#[derive(Debug)]
enum Memory {
    Heap(Box<[u8]>),
    Pages(MmapMut),
}

impl Buffer {
    /// Room for this many bytes.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        let pages = (bytes >= OWN_PAGES).then(|| MmapMut::map_anon(bytes).ok()).flatten();
        let memory = pages.map_or_else(|| Memory::Heap(vec![0; bytes].into()), Memory::Pages);
        Self { memory, length: 0 }
    }

    /// The same, where the memory for them may not be there.
    ///
    /// # Errors
    /// The system has not as much.
    pub fn try_with_capacity(bytes: u64) -> io::Result<Self> {
        let bytes = usize::try_from(bytes).map_err(io::Error::other)?;
        if bytes < OWN_PAGES {
            return Ok(Self::with_capacity(bytes));
        }
        Ok(Self { memory: Memory::Pages(MmapMut::map_anon(bytes)?), length: 0 })
    }

    /// How much there is room for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.memory.as_ref().len()
    }

    /// Makes room for this many bytes in all.
    pub fn grow(&mut self, capacity: usize) {
        if capacity > self.capacity() {
            let mut larger = Self::with_capacity(capacity);
            larger.append(self);
            *self = larger;
        }
    }

    /// Adds these bytes; where there is no room for them, just as much is made.
    pub fn append(&mut self, bytes: &[u8]) {
        self.grow(self.length + bytes.len());
        self.memory.as_mut()[self.length..self.length + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }

    /// Adds what is read, to its end.
    ///
    /// # Errors
    /// Those of the reader.
    pub fn append_all(&mut self, reader: &mut impl Read) -> io::Result<()> {
        loop {
            let room = &mut self.memory.as_mut()[self.length..];
            let mut beyond = [0; 32];
            let is_full = room.is_empty();
            match reader.read(if is_full { &mut beyond } else { room }) {
                Ok(0) => return Ok(()),
                Ok(read) if is_full => {
                    self.grow((self.capacity() * 2).max(beyond.len()));
                    self.append(&beyond[..read]);
                }
                Ok(read) => self.length += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The bytes, which hold this share until the last of their clones is dropped.
    #[must_use]
    pub fn freeze(self, share: Share) -> Bytes {
        Bytes::from_owner(Frozen { buffer: self, _share: share })
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.memory.as_ref()[..self.length]
    }
}

impl Memory {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Heap(bytes) => bytes,
            Self::Pages(pages) => pages,
        }
    }

    fn as_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Heap(bytes) => bytes,
            Self::Pages(pages) => pages,
        }
    }
}

struct Frozen {
    buffer: Buffer,
    _share: Share,
}

impl AsRef<[u8]> for Frozen {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_is_there_whatever_room_was_asked_for() {
        let content: Vec<u8> = (0..OWN_PAGES * 3).map(|n| u8::try_from(n % 251).unwrap()).collect();
        for capacity in [0, 1, 1000, OWN_PAGES, content.len(), content.len() + 1] {
            let mut pieces = Buffer::with_capacity(capacity);
            content.chunks(10_007).for_each(|piece| pieces.append(piece));
            let mut read = Buffer::with_capacity(capacity);
            read.append_all(&mut &content[..]).unwrap();
            for buffer in [pieces, read] {
                assert_eq!(buffer.freeze(Share::default()), content, "{capacity}");
            }
        }
    }

    #[test]
    fn no_memory_is_set_aside_that_is_not_there() {
        assert!(Buffer::try_with_capacity(u64::MAX / 2).is_err());
        for bytes in [0, 1000, 1 << 20] {
            assert_eq!(Buffer::try_with_capacity(bytes).unwrap().capacity() as u64, bytes);
        }
    }

    #[test]
    fn the_right_size_is_not_outgrown() {
        let mut buffer = Buffer::with_capacity(OWN_PAGES);
        buffer.append(&vec![1; OWN_PAGES]);
        buffer.append_all(&mut io::empty()).unwrap();
        assert_eq!((buffer.len(), buffer.capacity()), (OWN_PAGES, OWN_PAGES));
    }
}
