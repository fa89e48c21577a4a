/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One machine's sound on this desktop: what the guest plays, and the microphone while the guest
 * records and its owner allows it, through PulseAudio (or what speaks its protocol).
 *
 * Owns: the connection to the sound server and at most two streams on it, which are there only
 * while there is sound: a silent machine has none. Never: starts a server, or believes a format or
 * a size it was given without checking it.
 *
 * The volume of a stream is one knob that two turn, the guest and this desktop's mixer. The last
 * one to turn it wins. A guest that says the same again does not turn it, so what was set in the
 * mixer stays until the guest's own volume changes; the first value a guest names counts.
 *
 * Mute is two: the guest's and the user's, and while either is on nothing is heard. The user's is
 * the window's and every change in the mixer that this did not make, also one that the desktop
 * remembers of an earlier stream; no guest takes it away. The guest's own mute of what it plays is
 * seen on the stream as well, so a user who unmutes lifts both. Its mute of the microphone is not:
 * there the mixer has the user's alone, and the guest is sent nothing.
 *
 * New streams of the same object take volume and mutes as they were left.
 */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

typedef enum {
  LODGE_SOUND_PLAYBACK,
  LODGE_SOUND_RECORD,
  LODGE_SOUND_N_DIRECTIONS,
} LodgeSoundDirection;

typedef enum {
  LODGE_MICROPHONE_OFF,      /* the guest does not record */
  LODGE_MICROPHONE_WITHHELD, /* it records, and gets silence: it is not allowed to hear */
  LODGE_MICROPHONE_LIVE,     /* it hears */
} LodgeMicrophone;

/* What is played when nobody says otherwise arrives this much later at the device. */
#define LODGE_SOUND_LATENCY_MS 40

#define LODGE_TYPE_SOUND (lodge_sound_get_type ())
G_DECLARE_FINAL_TYPE (LodgeSound, lodge_sound, LODGE, SOUND, GObject)

/* Properties
 *   "latency" (uint, ms, construct only): how long what is played is held back at most, less what
 *     the device needs more; more is safer against gaps
 *   "muted" (boolean, read and write): of what is played, by whoever; written by the user
 *   "microphone-allowed" (boolean, read and write, FALSE at first)
 *   "microphone" (uint, a LodgeMicrophone, read)
 *   "playing" (boolean, read): there is a stream that plays
 *   "connecting" (boolean, read): on the way to the sound server
 *   "problem" (string or NULL, read): why there is no sound although the guest makes some, as one
 *     sentence. It is tried again by itself.
 * Signals
 *   "recorded" (const void *data, guint bytes): what the microphone heard, in the format that
 *     lodge_sound_start() was given; whole frames
 *   "played" (const void *data, guint bytes, guint channels, guint rate_hz): what the guest plays,
 *     as it comes, whether this desktop can play it or not; 16 bits little-endian, whole frames
 */

LodgeSound *lodge_sound_new (void);

/* @id: what the desktop shall remember the machine's device by. @name: what its mixer shows. */
void lodge_sound_set_machine (LodgeSound *self, const char *id, const char *name);

/* Connects to the sound server now, not when there is sound: for a process that cannot later. */
void lodge_sound_connect (LodgeSound *self);

/* ---- the guest's side. Everything here may come from a hostile one. */

/* @format: SPICE's number of it. Only 1 (signed, 16 bits), 1 or 2 channels and 8 to 192 kHz are
 * taken; all else is silence, and "problem" says so. */
void lodge_sound_start (
    LodgeSound *self, LodgeSoundDirection direction, int format, int channels, int rate_hz);
/* What was given to lodge_sound_play() is still played; then the stream goes. */
void lodge_sound_stop (LodgeSound *self, LodgeSoundDirection direction);
/* Nothing when @bytes is not positive or no playback was started. An incomplete frame at the end is
 * left out. What comes faster than it is played is left out too, the oldest and silence first, so
 * that the latency stays. */
void lodge_sound_play (LodgeSound *self, const void *data, gssize bytes);
/* How much later than now what is given now will be heard, in milliseconds. */
guint lodge_sound_get_delay (LodgeSound *self);

/* How loud the guest wants what it plays to be, on a channel, as a factor for its samples; what is
 * set in this desktop's mixer is not in it. */
double lodge_sound_get_guest_gain (LodgeSound *self, guint channel);

/* @volume: of each channel, 0 to 65535 */
void lodge_sound_set_guest_volume (LodgeSound *self,
                                   LodgeSoundDirection direction,
                                   const guint16 *volume,
                                   guint n_channels);
void lodge_sound_set_guest_mute (LodgeSound *self, LodgeSoundDirection direction, gboolean mute);

G_END_DECLS
