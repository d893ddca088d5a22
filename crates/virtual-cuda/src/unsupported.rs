//! Entries that clients look up and that need a GPU: each answers `CUDA_ERROR_NOT_SUPPORTED`, whatever its arguments,
//! which it does not look at.

use crate::{NOT_SUPPORTED, exports};

exports! {
    /// Kernels need a processor.
    fn cuLaunchKernel() { NOT_SUPPORTED }
    /// As above.
    fn cuLinkCreate_v2() { NOT_SUPPORTED }
    /// As above.
    fn cuLinkCreate() { NOT_SUPPORTED }
    /// As above.
    fn cuLinkAddData_v2() { NOT_SUPPORTED }
    /// As above.
    fn cuLinkAddData() { NOT_SUPPORTED }
    /// As above.
    fn cuLinkComplete() { NOT_SUPPORTED }
    /// As above.
    fn cuLinkDestroy() { NOT_SUPPORTED }
    /// As above.
    fn cuModuleLoad() { NOT_SUPPORTED }
    /// As above.
    fn cuModuleLoadData() { NOT_SUPPORTED }
    /// As above.
    fn cuModuleLoadDataEx() { NOT_SUPPORTED }
    /// As above.
    fn cuModuleUnload() { NOT_SUPPORTED }
    /// As above.
    fn cuModuleGetFunction() { NOT_SUPPORTED }
    /// As above.
    fn cuModuleGetGlobal_v2() { NOT_SUPPORTED }
    /// As above.
    fn cuModuleGetGlobal() { NOT_SUPPORTED }
    /// As above.
    fn cuFuncSetCacheConfig() { NOT_SUPPORTED }
    /// Textures need a GPU.
    fn cuTexObjectCreate() { NOT_SUPPORTED }
    /// As above.
    fn cuTexObjectDestroy() { NOT_SUPPORTED }
    /// Arrays have a GPU's layout.
    fn cuArrayCreate_v2() { NOT_SUPPORTED }
    /// As above.
    fn cuArray3DCreate_v2() { NOT_SUPPORTED }
    /// As above.
    fn cuArray3DCreate() { NOT_SUPPORTED }
    /// As above.
    fn cuArrayDestroy() { NOT_SUPPORTED }
    /// As above.
    fn cuArrayGetDescriptor_v2() { NOT_SUPPORTED }
    /// As above.
    fn cuArray3DGetDescriptor_v2() { NOT_SUPPORTED }
    /// As above.
    fn cuMemcpy3D_v2() { NOT_SUPPORTED }
    /// As above.
    fn cuMemcpy3DAsync_v2() { NOT_SUPPORTED }
    /// As above.
    fn cuMemcpyAtoH_v2() { NOT_SUPPORTED }
    /// As above.
    fn cuMemcpyHtoA_v2() { NOT_SUPPORTED }
    /// As above.
    fn cuMipmappedArrayGetLevel() { NOT_SUPPORTED }
    /// As above.
    fn cuMipmappedArrayDestroy() { NOT_SUPPORTED }
    /// There is no graphics device beside it.
    fn cuGLGetDevices_v2() { NOT_SUPPORTED }
    /// As above.
    fn cuGraphicsGLRegisterImage() { NOT_SUPPORTED }
    /// As above.
    fn cuGraphicsGLRegisterBuffer() { NOT_SUPPORTED }
    /// As above.
    fn cuGraphicsUnregisterResource() { NOT_SUPPORTED }
    /// As above.
    fn cuGraphicsMapResources() { NOT_SUPPORTED }
    /// As above.
    fn cuGraphicsUnmapResources() { NOT_SUPPORTED }
    /// As above.
    fn cuGraphicsSubResourceGetMappedArray() { NOT_SUPPORTED }
    /// As above.
    fn cuGraphicsResourceGetMappedPointer_v2() { NOT_SUPPORTED }
    /// As above.
    fn cuGraphicsResourceSetMapFlags_v2() { NOT_SUPPORTED }
    /// As above.
    fn cuGraphicsEGLRegisterImage() { NOT_SUPPORTED }
    /// As above.
    fn cuEGLStreamConsumerConnect() { NOT_SUPPORTED }
    /// As above.
    fn cuEGLStreamConsumerDisconnect() { NOT_SUPPORTED }
    /// As above.
    fn cuEGLStreamProducerConnect() { NOT_SUPPORTED }
    /// As above.
    fn cuEGLStreamProducerDisconnect() { NOT_SUPPORTED }
    /// As above.
    fn cuEGLStreamProducerPresentFrame() { NOT_SUPPORTED }
    /// As above.
    fn cuEGLStreamProducerReturnFrame() { NOT_SUPPORTED }
    /// Nothing outside this process shares its memory.
    fn cuImportExternalMemory() { NOT_SUPPORTED }
    /// As above.
    fn cuDestroyExternalMemory() { NOT_SUPPORTED }
    /// As above.
    fn cuExternalMemoryGetMappedBuffer() { NOT_SUPPORTED }
    /// As above.
    fn cuExternalMemoryGetMappedMipmappedArray() { NOT_SUPPORTED }
    /// As above.
    fn cuImportExternalSemaphore() { NOT_SUPPORTED }
    /// As above.
    fn cuDestroyExternalSemaphore() { NOT_SUPPORTED }
    /// As above.
    fn cuSignalExternalSemaphoresAsync() { NOT_SUPPORTED }
    /// As above.
    fn cuWaitExternalSemaphoresAsync() { NOT_SUPPORTED }
    /// As above.
    fn cuIpcGetMemHandle() { NOT_SUPPORTED }
    /// As above.
    fn cuIpcOpenMemHandle_v2() { NOT_SUPPORTED }
    /// As above.
    fn cuIpcCloseMemHandle() { NOT_SUPPORTED }
    /// There is one device.
    fn cuMemcpyPeer() { NOT_SUPPORTED }
    /// As above.
    fn cuMemcpyPeerAsync() { NOT_SUPPORTED }
    /// As above.
    fn cuDeviceCanAccessPeer() { NOT_SUPPORTED }
    /// As above.
    fn cuCtxEnablePeerAccess() { NOT_SUPPORTED }
    /// Nothing measures it.
    fn cuDeviceGetLuid() { NOT_SUPPORTED }
    /// As above.
    fn cuGetExportTable() { NOT_SUPPORTED }
}
