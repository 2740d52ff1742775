//! Calls somebody who is not looking: the bell of the system, and a mark in its list of windows.
//!
//! egui and winit have no bell. On Linux the X server has one, which also rings under Wayland where XWayland runs;
//! elsewhere the list of windows alone calls: it flashes on Windows, and the icon jumps on macOS.

use std::time::Duration;

use egui::{Context, UserAttentionType, ViewportCommand};

use super::background::Background;

/// The bell.
pub struct Bell {
    /// Connecting to the X server may hang. The results are of no use.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "only X has a bell")
    )]
    ringing: Background<()>,
}

impl Default for Bell {
    fn default() -> Self {
        Self {
            ringing: Background::new("bell", Duration::ZERO),
        }
    }
}

impl Bell {
    /// Rings once. Returns at once.
    pub fn ring(&mut self, ctx: &Context) {
        let attention = ViewportCommand::RequestUserAttention(UserAttentionType::Critical);
        ctx.send_viewport_cmd(attention);
        #[cfg(target_os = "linux")]
        {
            while self.ringing.take().is_some() {}
            let rung = self.ringing.spawn(ctx, || {
                if let Err(error) = ring_x() {
                    log::debug!("the bell did not ring: {error}");
                }
            });
            if let Err(error) = rung {
                log::debug!("the bell did not ring: {error}");
            }
        }
    }
}

#[cfg(target_os = "linux")]
fn ring_x() -> Result<(), Box<dyn std::error::Error>> {
    use x11rb::{connection::Connection as _, protocol::xproto::ConnectionExt as _};

    /// As loud as the user has set it.
    const USUAL_LOUDNESS: i8 = 0;
    let (server, _) = x11rb::connect(None)?;
    server.bell(USUAL_LOUDNESS)?.check()?;
    server.flush()?;
    Ok(())
}
