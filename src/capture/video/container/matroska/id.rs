//! Identifiers of elements that contain packets or lead to them.

pub(super) const SEGMENT: u32 = 0x1853_8067;
pub(super) const CLUSTER: u32 = 0x1F43_B675;
pub(super) const TIMESTAMP: u32 = 0xE7;
pub(super) const SIMPLE_BLOCK: u32 = 0xA3;
pub(super) const BLOCK_GROUP: u32 = 0xA0;
pub(super) const BLOCK: u32 = 0xA1;
pub(super) const REFERENCE_BLOCK: u32 = 0xFB;
pub(super) const SEEK_HEAD: u32 = 0x114D_9B74;
pub(super) const INFO: u32 = 0x1549_A966;
pub(super) const TRACKS: u32 = 0x1654_AE6B;
pub(super) const CUES: u32 = 0x1C53_BB6B;
/// What may stand between packets and is skipped. Anything else there is damage.
pub(super) const OTHERS: [u32; 14] = [
    SEEK_HEAD,
    INFO,
    TRACKS,
    CUES,
    0x1A45_DFA3, // The start of another file, appended to this one.
    0xEC,        // Void.
    0xBF,        // Checksum.
    0xA7,        // Position of a cluster.
    0xAB,        // Size of the one before.
    0xAF,        // Encrypted block.
    0x5854,      // Silent tracks.
    0x1254_C367, // Tags.
    0x1043_A770, // Chapters.
    0x1941_A469, // Attachments.
];
