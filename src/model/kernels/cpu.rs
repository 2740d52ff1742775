//! The instructions that the processor has, detected once when the first kernel runs.
//!
//! The environment variable `FERVIS_KERNELS` (`portable`, `neon`, `avx2`, `avx512`, `avx512-bf16`) caps them, to test the
//! kernels of a lesser processor.

use std::sync::OnceLock;

/// Vector instruction sets, each including the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Simd {
    /// What every processor of the target architecture has.
    Portable,
    /// 128-bit vectors with fused multiply-add, by hand: every 64-bit ARM processor has them.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// 256-bit vectors with fused multiply-add.
    Avx2,
    /// 512-bit vectors.
    Avx512,
    /// Dot products of pairs of bfloat16 numbers in 512-bit vectors.
    Avx512Bf16,
    /// Products of 16×32 and 32×16 tiles of bfloat16 numbers.
    AmxBf16,
}

/// The best instruction set that this processor and this system offer.
pub(super) fn simd() -> Simd {
    static FOUND: OnceLock<Simd> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let cap = match std::env::var("FERVIS_KERNELS").as_deref() {
            Ok("portable") => Simd::Portable,
            #[cfg(target_arch = "aarch64")]
            Ok("neon") => Simd::Neon,
            Ok("avx2") => Simd::Avx2,
            Ok("avx512") => Simd::Avx512,
            Ok("avx512-bf16") => Simd::Avx512Bf16,
            _ => Simd::AmxBf16,
        };
        detect().min(cap)
    })
}

/// Whether bfloat16 products are faster than f32 products.
///
/// The vector instruction is faster on AMD (Zen 4: 64 multiplications per cycle against 32), but not on Intel (32 against
/// 32, and 0.65 of the speed as measured on a Xeon), where the tile unit is.
pub(super) fn multiplies_bf16_faster() -> bool {
    match simd() {
        Simd::AmxBf16 => true,
        Simd::Avx512Bf16 => is_amd(),
        _ => false,
    }
}

#[cfg(target_arch = "x86_64")]
fn is_amd() -> bool {
    std::arch::x86_64::__cpuid(0).ebx.to_le_bytes() == *b"Auth" // AuthenticAMD
}

#[cfg(not(target_arch = "x86_64"))]
fn is_amd() -> bool {
    false
}

#[cfg(target_arch = "x86_64")]
fn detect() -> Simd {
    if !(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")) {
        return Simd::Portable;
    }
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    if !avx512 {
        return Simd::Avx2;
    }
    match (is_x86_feature_detected!("avx512bf16"), amx_granted()) {
        (true, true) => Simd::AmxBf16,
        (true, false) => Simd::Avx512Bf16,
        (false, _) => Simd::Avx512,
    }
}

#[cfg(target_arch = "aarch64")]
fn detect() -> Simd {
    Simd::Neon
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn detect() -> Simd {
    Simd::Portable
}

/// Whether there are bfloat16 tiles and the operating system lets this process use them.
///
/// Linux saves the 8 KiB of tiles only for processes that requested it (Documentation/arch/x86/xstate.rst). The permission
/// covers all threads, those already running and those started later.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[expect(unsafe_code, reason = "only the kernel grants the tiles")]
fn amx_granted() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const XFEATURE_XTILEDATA: libc::c_long = 18;
    const AMX_BF16: u32 = 1 << 22;
    const AMX_TILE: u32 = 1 << 24;
    let leaf_7 = std::arch::x86_64::__cpuid_count(7, 0);
    leaf_7.edx & (AMX_BF16 | AMX_TILE) == AMX_BF16 | AMX_TILE
        // SAFETY: the call takes two integers and changes nothing but this process's permission.
        && unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) } == 0
}

#[cfg(all(target_arch = "x86_64", not(target_os = "linux")))]
fn amx_granted() -> bool {
    false
}

/// Compiles a function three times, for AVX-512, for AVX2 and for any processor, and calls the best that runs here.
///
/// Meant for loops that the compiler vectorizes on its own. The body must not call closures that are not inlined.
macro_rules! multiversion {
    (
        $(#[$meta:meta])*
        $vis:vis fn $name:ident $(<$($generic:ident: $bound:path),+>)? ($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block
    ) => {
        $(#[$meta])*
        #[allow(unsafe_code, reason = "the instructions are checked at run time")]
        $vis fn $name $(<$($generic: $bound),+>)? ($($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            fn body $(<$($generic: $bound),+>)? ($($arg: $ty),*) $(-> $ret)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
                fn avx512 $(<$($generic: $bound),+>)? ($($arg: $ty),*) $(-> $ret)? { body $(::<$($generic),+>)? ($($arg),*) }
                #[target_feature(enable = "avx2,fma")]
                fn avx2 $(<$($generic: $bound),+>)? ($($arg: $ty),*) $(-> $ret)? { body $(::<$($generic),+>)? ($($arg),*) }

                match $crate::model::kernels::cpu::simd() {
                    $crate::model::kernels::cpu::Simd::Portable => {}
                    // SAFETY: the processor has AVX2 and FMA.
                    $crate::model::kernels::cpu::Simd::Avx2 => return unsafe { avx2 $(::<$($generic),+>)? ($($arg),*) },
                    // SAFETY: the processor has these parts of AVX-512.
                    _ => return unsafe { avx512 $(::<$($generic),+>)? ($($arg),*) },
                }
            }
            body $(::<$($generic),+>)? ($($arg),*)
        }
    };
}
pub(super) use multiversion;
