//! What the payload writer refuses, and that it allocates nothing per picture. FFmpeg is not needed here.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use virtual_nvenc::payload::{
    Chroma, Codec, MAX_REORDER, Mode, PayloadError, PayloadWriter, PictureHeader, PictureKind, PixelFormat, Pixels,
    StreamParams,
};

const PARAMS: StreamParams = StreamParams {
    codec: Codec::H264,
    mode: Mode::Mosaic,
    width: 98,
    height: 70,
    chroma: Chroma::Yuv420,
    bit_depth: 8,
    frame_rate: (30, 1),
    max_reorder: 1,
    colour: None,
};

const IDR: PictureHeader = PictureHeader { kind: PictureKind::Idr, poc: 0, is_reference: true };

/// The system's allocator, which counts what the current thread asks of it.
struct Counting;

thread_local! {
    static NUM_ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes to `System` unchanged, which keeps the contract; the counter neither allocates nor has a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        NUM_ALLOCATIONS.set(NUM_ALLOCATIONS.get() + 1);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`, and `ptr` came from `System`.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn refusal(params: StreamParams) -> PayloadError {
    PayloadWriter::new(params).err().unwrap_or_else(|| unreachable!("{params:?} is accepted"))
}

#[test]
fn parameters_that_no_stream_can_have_are_refused() {
    let size = |width, height| refusal(StreamParams { width, height, ..PARAMS });
    assert!(matches!(size(0, 64), PayloadError::Size { .. }));
    assert!(matches!(size(64, 0), PayloadError::Size { .. }));
    assert!(matches!(size(1 << 30, 1 << 30), PayloadError::Size { .. }));
    assert!(matches!(size(u32::MAX, 1), PayloadError::Size { .. }));
    assert!(matches!(size(99, 70), PayloadError::OddSize { .. }));
    assert!(matches!(size(98, 71), PayloadError::OddSize { .. }));
    assert!(matches!(refusal(StreamParams { bit_depth: 10, ..PARAMS }), PayloadError::BitDepth { .. }));
    assert!(matches!(
        refusal(StreamParams { codec: Codec::Hevc, bit_depth: 12, ..PARAMS }),
        PayloadError::BitDepth { .. }
    ));
    for frame_rate in [(0, 1), (30, 0), (u32::MAX, 1)] {
        assert!(matches!(refusal(StreamParams { frame_rate, ..PARAMS }), PayloadError::FrameRate { .. }));
    }
    let max_reorder = MAX_REORDER + 1;
    assert!(matches!(refusal(StreamParams { max_reorder, ..PARAMS }), PayloadError::Reorder { .. }));
}

#[test]
fn pixels_that_do_not_fit_are_refused_and_leave_no_trace() {
    let mut writer = PayloadWriter::new(PARAMS).unwrap();
    let mut out = Vec::new();
    let buffer = vec![0; 4 * 128 * 70];
    let mut write = |format, buffer, pitch_bytes| {
        let pixels = Pixels::from_buffer(format, 70, buffer, pitch_bytes);
        writer.write_picture(IDR, &pixels, &mut out).map(|()| out.len())
    };
    for format in [PixelFormat::Nv12, PixelFormat::Iyuv, PixelFormat::Yv12] {
        assert!(matches!(write(format, &buffer, 97), Err(PayloadError::Plane { plane: 0, .. })));
        assert!(matches!(write(format, &buffer[..98 * 70], 98), Err(PayloadError::Plane { .. })));
        assert!(matches!(write(format, &[], usize::MAX), Err(PayloadError::Plane { plane: 0, .. })));
    }
    assert!(matches!(write(PixelFormat::Argb, &buffer, 4 * 97), Err(PayloadError::Plane { plane: 0, .. })));
    for format in [PixelFormat::Yuv444, PixelFormat::P010, PixelFormat::Yuv444P10] {
        assert_eq!(write(format, &buffer, 256), Err(PayloadError::Format { format }));
    }
    assert!(write(PixelFormat::Nv12, &buffer, 98).is_ok_and(|len| len > 0));
}

#[test]
fn a_refused_picture_does_not_disturb_the_stream() {
    let buffer = vec![77; 98 * 70 * 3 / 2];
    let pixels = Pixels::from_buffer(PixelFormat::Nv12, 70, &buffer, 98);
    let next = PictureHeader { kind: PictureKind::P, poc: 1, is_reference: true };
    let write = |headers: &[PictureHeader]| {
        let (mut writer, mut out) = (PayloadWriter::new(PARAMS).unwrap(), Vec::new());
        let refused =
            headers.iter().filter(|header| writer.write_picture(**header, &pixels, &mut out).is_err()).count();
        (refused, out)
    };
    let (refused, disturbed) = write(&[next, IDR, PictureHeader { poc: 1000, ..next }, next]);
    assert_eq!((refused, disturbed), (2, write(&[IDR, next]).1));
}

#[test]
fn pictures_are_written_without_allocating() {
    let buffer: Vec<u8> = (0..98 * 70 * 3 / 2).map(|i: u32| (i * 31 % 251) as u8).collect();
    let pixels = Pixels::from_buffer(PixelFormat::Nv12, 70, &buffer, 98);
    for codec in [Codec::H264, Codec::Hevc] {
        for mode in [Mode::Mosaic, Mode::Lossless] {
            let mut writer = PayloadWriter::new(StreamParams { codec, mode, ..PARAMS }).unwrap();
            let mut out = Vec::with_capacity(writer.max_picture_bytes());
            let before = NUM_ALLOCATIONS.get();
            for poc in 0..20 {
                out.clear();
                let kind = if poc == 0 { PictureKind::Idr } else { PictureKind::P };
                writer.write_picture(PictureHeader { kind, poc, is_reference: true }, &pixels, &mut out).unwrap();
            }
            assert_eq!(NUM_ALLOCATIONS.get(), before, "{codec:?} {mode:?}");
        }
    }
}

#[test]
fn a_writer_can_move_to_a_worker_thread() {
    fn assert_send<T: Send>() {}
    assert_send::<PayloadWriter>();
}
