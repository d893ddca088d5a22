//! BGRA pixels to NV12 by the processor, row by row: the formula of the virtual encoder
//! (`crates/virtual-nvenc/src/payload/rgb.rs`) and of the kernel for GPUs (`assets/kernels/argb_to_nv12.cu`).

/// Luma of a row of pixels.
pub(super) fn luma_row(pixels: &[u8], luma: &mut [u8]) {
    let (pixels, _) = pixels.as_chunks::<4>();
    for (sample, pixel) in luma.iter_mut().zip(pixels) {
        let [blue, green, red, _] = pixel.map(i32::from);
        *sample = ((66 * red + 129 * green + 25 * blue + (16 << 8) + 128) >> 8) as u8;
    }
}

/// Chroma of two rows of pixels, one above the other.
pub(super) fn chroma_row([above, below]: [&[u8]; 2], chroma: &mut [u8]) {
    let ((above, _), (below, _), (chroma, _)) =
        (above.as_chunks::<8>(), below.as_chunks::<8>(), chroma.as_chunks_mut::<2>());
    for (samples, (above, below)) in chroma.iter_mut().zip(above.iter().zip(below)) {
        let sum = |byte: usize| {
            [above[byte], above[byte + 4], below[byte], below[byte + 4]].map(i32::from).iter().sum::<i32>()
        };
        let (blue, green, red) = (sum(0), sum(1), sum(2));
        let of = |weighted: i32| ((weighted + (128 << 10) + 512) >> 10) as u8;
        *samples = [of(-38 * red - 74 * green + 112 * blue), of(112 * red - 94 * green - 18 * blue)];
    }
}
