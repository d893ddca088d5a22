//! The measurements of a run's frames, as columns. Plain data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Per-frame measurements of one run as columns of equal length, index = display order. The last two may be empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct FrameColumns {
    /// When the frame was submitted to the encoder.
    pub begin_at_ns: Vec<u64>,
    /// Time the run waited for the frame to be read (only when the input is not in memory).
    pub source_wait_ns: Vec<u64>,
    /// Time the submitting thread waited for room.
    pub blocked_ns: Vec<u64>,
    /// Time copying to the encoder's input.
    pub upload_ns: Vec<u64>,
    /// When nvEncEncodePicture was called.
    pub submit_at_ns: Vec<u64>,
    /// Duration of that call.
    pub submit_ns: Vec<u64>,
    /// Frames in flight right after that call, this frame included.
    pub depth: Vec<u32>,
    /// When nvEncLockBitstream was (last) called for this frame's output.
    pub lock_at_ns: Vec<u64>,
    /// Total duration of the calls for this frame.
    pub lock_ns: Vec<u64>,
    /// Time copying the packet out.
    pub copy_ns: Vec<u64>,
    /// Time inside nvEncUnlockBitstream.
    pub unlock_ns: Vec<u64>,
    /// Time from the call of nvEncEncodePicture to the end of the unlock, when the packet goes to its receiver.
    pub latency_ns: Vec<u64>,
    /// Size of the packet.
    pub bytes: Vec<u32>,
    /// Position in coding order; modulo the pool it is the buffer slot that the packet came from.
    pub encode_idx: Vec<u32>,
    /// One letter per frame: K (IDR), I, P, B, or ? for anything else.
    pub kinds: String,
    /// Time inside nvEncLockInputBuffer, before the copy: a driver may wait there for its memory. Left out where inputs are not the
    /// driver's own, and in sessions that counted it as upload.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input_lock_ns: Vec<u64>,
    /// Time inside nvEncUnlockInputBuffer, after the copy: a driver may move the frame to the device there. Left out likewise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input_unlock_ns: Vec<u64>,
    /// Time inside nvEncMapInputResource; left out where frames are in the driver's own buffers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub map_ns: Vec<u64>,
    /// Time inside nvEncUnmapInputResource; left out likewise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmap_ns: Vec<u64>,
    /// Time converting the frame to NV12 on the GPU; left out where frames are encoded as they come.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub convert_ns: Vec<u64>,
    /// The low 32 bits of the packet's XXH3-64; left out where packets were not digested.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packet_digest: Vec<u32>,
    /// When the engine began to encode the frame. Only a virtual device says so; otherwise the column is left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub encode_at_ns: Vec<u64>,
    /// When the engine had encoded it, as modelled; left out like `encode_at_ns`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub encoded_at_ns: Vec<u64>,
}

impl FrameColumns {
    /// Number of frames.
    pub fn len(&self) -> usize {
        self.begin_at_ns.len()
    }

    /// Are there no frames?
    pub fn is_empty(&self) -> bool {
        self.begin_at_ns.is_empty()
    }

    /// Did the frame come back? One that did has a latency; one that did not has 0 in the columns of its packet.
    pub fn came_back(&self, frame: usize) -> bool {
        self.latency_ns.get(frame) != Some(&0)
    }

    /// A column's values of the frames that came back.
    pub fn of_packets<'a>(&'a self, column: &'a [u64]) -> impl Iterator<Item = u64> + 'a {
        column.iter().enumerate().filter(|(frame, _)| self.came_back(*frame)).map(|(_, value)| *value)
    }

    /// When the frame's packet went to its receiver.
    pub fn packet_at_ns(&self, frame: usize) -> Option<u64> {
        let latency_ns = self.latency_ns.get(frame).filter(|&&latency_ns| latency_ns > 0)?;
        Some(self.submit_at_ns.get(frame)?.saturating_add(*latency_ns))
    }

    /// When each packet went to its receiver, in display order.
    pub fn packets_at_ns(&self) -> impl Iterator<Item = u64> + '_ {
        (0..self.latency_ns.len()).filter_map(|frame| self.packet_at_ns(frame))
    }

    /// The same, counted from a moment so much earlier.
    pub fn later_by(mut self, earlier_ns: u64) -> Self {
        let Self { begin_at_ns, submit_at_ns, lock_at_ns, encode_at_ns, encoded_at_ns, .. } = &mut self;
        for at_ns in [begin_at_ns, submit_at_ns, lock_at_ns, encode_at_ns, encoded_at_ns].into_iter().flatten() {
            *at_ns = at_ns.saturating_add(earlier_ns);
        }
        self
    }

    /// The same in the order in which frames came back, which is that of display where a decoder made the columns.
    pub fn in_display_order(&self) -> Self {
        let mut order: Vec<usize> = (0..self.len()).collect();
        // Those that never came back are last.
        order.sort_by_key(|&unit| (!self.came_back(unit), self.encode_idx.get(unit)));
        let moved = |column: &[u64]| order.iter().filter_map(|&unit| column.get(unit).copied()).collect();
        let moved_counts = |column: &[u32]| order.iter().filter_map(|&unit| column.get(unit).copied()).collect();
        let kinds: Vec<char> = self.kinds.chars().collect();
        Self {
            begin_at_ns: moved(&self.begin_at_ns),
            source_wait_ns: moved(&self.source_wait_ns),
            blocked_ns: moved(&self.blocked_ns),
            upload_ns: moved(&self.upload_ns),
            submit_at_ns: moved(&self.submit_at_ns),
            submit_ns: moved(&self.submit_ns),
            depth: moved_counts(&self.depth),
            lock_at_ns: moved(&self.lock_at_ns),
            lock_ns: moved(&self.lock_ns),
            copy_ns: moved(&self.copy_ns),
            unlock_ns: moved(&self.unlock_ns),
            latency_ns: moved(&self.latency_ns),
            bytes: moved_counts(&self.bytes),
            encode_idx: order.iter().map(|&unit| unit as u32).collect(),
            kinds: order.iter().filter_map(|&unit| kinds.get(unit)).collect(),
            input_lock_ns: moved(&self.input_lock_ns),
            input_unlock_ns: moved(&self.input_unlock_ns),
            map_ns: moved(&self.map_ns),
            unmap_ns: moved(&self.unmap_ns),
            convert_ns: moved(&self.convert_ns),
            packet_digest: moved_counts(&self.packet_digest),
            encode_at_ns: moved(&self.encode_at_ns),
            encoded_at_ns: moved(&self.encoded_at_ns),
        }
    }
}
