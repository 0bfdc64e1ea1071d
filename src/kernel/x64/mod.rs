//! Generators for x86-64: one emitter for AVX2 and AVX-512.
