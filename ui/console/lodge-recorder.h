/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One recording of a guest: its picture with the cursor in it, and what it plays, as a WebM file.
 *
 * Owns: the file, the encoders with their threads, and a few copies of the picture. Never: waits
 * for an encoder, keeps more pictures than a handful however slow that is, or takes memory for a
 * size that the guest names without a limit.
 *
 * The file has its own name from the beginning and grows as the guest is recorded, so that whatever
 * ends this process leaves something that plays, where the user looks for it. A recording that ends
 * in order has its length and an index as well.
 *
 * The picture has the size that the guest had in the beginning. When the guest takes another one it
 * is scaled into that, its sides in proportion and the rest black: few players follow a size that
 * changes. A picture is taken only when something changed, at most LODGE_RECORDER_FPS times a
 * second, and each carries its time; one that stays is written again each second, which costs
 * almost nothing, so that a player can go to any place and a crash takes no more than that. While
 * there is no picture, because the connection broke, the last one stays.
 *
 * What a graphics card has is read by somebody else, which takes its time: the slower that is, the
 * fewer pictures there are in a second, so that the guest and the window go on.
 *
 * What is played is written as it comes from the guest, with silence where nothing comes, at the
 * volume that the guest wants, whatever this desktop's mixer does to it.
 */
#pragma once

#include "console/lodge-frame-source.h"
#include "console/lodge-sound.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define LODGE_RECORDER_FPS 30
/* The largest picture taken as it is, per side. Of a larger one every second point is taken, or
 * every third, and so on. */
#define LODGE_RECORDER_SIZE_MAX 4096

#define LODGE_TYPE_RECORDER (lodge_recorder_get_type ())
G_DECLARE_FINAL_TYPE (LodgeRecorder, lodge_recorder, LODGE, RECORDER, GObject)

/* Signal "ended" (const GError *error): the file is complete, and nobody writes to it any more.
 * With an error, one sentence, it ended by itself, and what was recorded until then is there. Once,
 * and never from within a call of this object's. A file in which there is nothing is gone then. */

/* Who reads the pictures that a graphics card has, of which a source tells no more than the size.
 */
typedef struct {
  /* What the source shows now, lent until the next call. FALSE: it cannot be read now. */
  gboolean (*read) (gpointer user_data, LodgeFrame *out_frame);
  gpointer user_data;
} LodgeRecorderReader;

/* Begins to record.
 *
 * @folder, @stem: where to, and under which name, without an ending; see lodge_saved_file_create().
 * @reader: (nullable): copied, and called until lodge_recorder_stop() or the end; without one such
 *   pictures are left out.
 * Returns: (transfer full): NULL with one sentence of %LODGE_ERROR_HOST when something has to be
 * installed, or of %G_IO_ERROR when there can be no such file. */
LodgeRecorder *lodge_recorder_new (const char *folder,
                                   const char *stem,
                                   LodgeFrameSource *source,
                                   const LodgeRecorderReader *reader,
                                   LodgeSound *sound,
                                   GError **error);

/* Whose picture is recorded from now on; NULL: nobody's, and the last one stays. */
void lodge_recorder_set_source (LodgeRecorder *self, LodgeFrameSource *source);
/* While it is paused no time goes by in the recording. */
void lodge_recorder_set_paused (LodgeRecorder *self, gboolean paused);
/* What is recorded already is completed; then "ended". */
void lodge_recorder_stop (LodgeRecorder *self);

/* How long the recording is so far. */
gint64 lodge_recorder_get_length_ms (LodgeRecorder *self);
/* Lent. */
GFile *lodge_recorder_get_file (LodgeRecorder *self);

G_END_DECLS
