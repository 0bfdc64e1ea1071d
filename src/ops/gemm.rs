//! The one loop nest around the kernel that matmul, fully connected layers and the BLAS-like calls share.
