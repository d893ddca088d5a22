// Four-byte pixels (B, G, R, A in memory: NVENC's ARGB) to NV12, BT.601 in limited range, in integers: a thread for each 2x2
// block. The formula is the virtual encoder's (crates/virtual-nvenc/src/payload/rgb.rs), so that both give the same samples.
//
// argb_to_nv12.ptx is made of this by assets/kernels/make: the driver compiles PTX for whatever GPU there is, and no computer
// needs more than the driver.

extern "C" __global__ void argb_to_nv12(
    const unsigned char *argb, unsigned long long argb_pitch, unsigned char *nv12, unsigned long long nv12_pitch,
    unsigned int blocks_wide, unsigned int blocks_high)
{
    const unsigned int x = blockIdx.x * blockDim.x + threadIdx.x;
    const unsigned int y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= blocks_wide || y >= blocks_high) {
        return;
    }
    int red = 0, green = 0, blue = 0;
    for (unsigned int row = 0; row < 2; row++) {
        const uchar4 *pixels = (const uchar4 *)(argb + (2ull * y + row) * argb_pitch) + 2 * x;
        uchar2 luma;
        unsigned char *samples = &luma.x;
        for (unsigned int column = 0; column < 2; column++) {
            const int b = pixels[column].x, g = pixels[column].y, r = pixels[column].z;
            samples[column] = (unsigned char)((66 * r + 129 * g + 25 * b + (16 << 8) + 128) >> 8);
            red += r;
            green += g;
            blue += b;
        }
        *((uchar2 *)(nv12 + (2ull * y + row) * nv12_pitch) + x) = luma;
    }
    uchar2 chroma;
    chroma.x = (unsigned char)((-38 * red - 74 * green + 112 * blue + (128 << 10) + 512) >> 10);
    chroma.y = (unsigned char)((112 * red - 94 * green - 18 * blue + (128 << 10) + 512) >> 10);
    *((uchar2 *)(nv12 + (2ull * blocks_high + y) * nv12_pitch) + x) = chroma;
}
