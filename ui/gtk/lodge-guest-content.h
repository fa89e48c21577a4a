/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the guest has copied, as content of the host's clipboard. The guest is asked only when
 * somebody pastes. */
#pragma once

#include "console/lodge-console-clipboard.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define LODGE_TYPE_GUEST_CONTENT (lodge_guest_content_get_type ())
G_DECLARE_FINAL_TYPE (
    LodgeGuestContent, lodge_guest_content, LODGE, GUEST_CONTENT, GdkContentProvider)

/* Signal "failed" (const GError *error): a paste got nothing */

/* Of what @guest offers now. Pictures are offered as PNG, whatever the guest has. */
LodgeGuestContent *lodge_guest_content_new (LodgeConsoleClipboard *guest);

/* A picture of any format that GDK reads to PNG, in a thread. */
void lodge_picture_to_png_async (GBytes *picture,
                                 GdkTexture *texture, /* when there is no @picture */
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);
/* Returns: (transfer full) */
GBytes *lodge_picture_to_png_finish (GAsyncResult *result, GError **error);

G_END_DECLS
