/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which of GTK's renderers draws the windows. */
#include "gtk/lodge-renderer.h"

#include <unistd.h>

/* Names, as prefixes, of what a program of this user opens to draw. The documents of the kernel, of
 * NVIDIA's driver and of WSL name them: Documentation/gpu/drm-uapi.rst, "Render nodes". */
static const char *const cards[][2] = {
    {"dri", "renderD"},
    {"", "nvidiactl"},
    {"", "dxg"},
};

gboolean
lodge_renderer_has_card (const char *dev)
{
  for (guint i = 0; i < G_N_ELEMENTS (cards); i++) {
    g_autofree char *folder = g_build_filename (dev, cards[i][0], NULL);
    g_autoptr (GDir) names = g_dir_open (folder, 0, NULL);
    const char *name;

    while (names != NULL && (name = g_dir_read_name (names)) != NULL) {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      if (g_str_has_prefix (name, cards[i][1]) && access (path, R_OK | W_OK) == 0)
        return TRUE;
    }
  }
  return FALSE;
}

void
lodge_renderer_choose (void)
{
  if (!lodge_renderer_has_card ("/dev"))
    g_setenv ("GSK_RENDERER", "cairo", FALSE);
}
