/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How much memory there is for guests: the computer's, or less where a control group limits us. */
#include "host/lodge-host-facts.h"

#include "host/lodge-host-root.h"

#include <string.h>

/* The number after "name" in a text of lines "name[:] number", 0 without. */
static guint64
get_number (const char *text, const char *name)
{
  gsize length = strlen (name);

  for (const char *line = text; line != NULL && *line != '\0';) {
    const char *next = strchr (line, '\n');

    if (g_str_has_prefix (line, name) && (line[length] == ' ' || line[length] == ':'))
      return g_ascii_strtoull (line + length + 1, NULL, 10);
    line = next != NULL ? next + 1 : NULL;
  }
  return 0;
}

/* The limit at @folder: lowers @self where it is the smaller. The files are those of version 2
 * (Documentation/admin-guide/cgroup-v2.rst) or of version 1 (cgroup-v1/memory.rst). What the kernel
 * only keeps as cache would be given up for a guest and counts as available. */
static void
apply_folder (LodgeHostMemory *self,
              const char *folder,
              const char *limit_name,
              const char *usage_name,
              const char *cache_name)
{
  g_autofree char *limit_path = g_build_filename (folder, limit_name, NULL);
  g_autofree char *usage_path = g_build_filename (folder, usage_name, NULL);
  g_autofree char *stat_path = g_build_filename (folder, "memory.stat", NULL);
  g_autofree char *stat = lodge_host_root_read (stat_path);
  /* "max" is no number, version 1's "none" is larger than any memory. */
  gint64 limit = lodge_host_root_read_number (limit_path, -1);
  gint64 usage = MAX (lodge_host_root_read_number (usage_path, 0), 0);
  gint64 cache = (gint64) MIN (get_number (stat, cache_name), (guint64) usage);
  gint64 left;

  if (limit < 0)
    return;
  left = MAX (limit - (usage - cache), 0);
  if ((guint64) limit < self->total_bytes) {
    self->total_bytes = limit;
    self->limited = TRUE;
  }
  self->available_bytes = MIN (self->available_bytes, (guint64) left);
}

/* A group's limit and those of all above it. @group is the path from /proc/self/cgroup. */
static void
apply_groups (LodgeHostMemory *self, const char *mount, const char *group, gboolean version_1)
{
  g_autofree char *path = g_strdup (group);

  for (;;) {
    g_autofree char *folder = g_build_filename (mount, path, NULL);
    char *slash;

    if (version_1)
      apply_folder (self, folder, "memory.limit_in_bytes", "memory.usage_in_bytes",
                    "total_inactive_file");
    else
      apply_folder (self, folder, "memory.max", "memory.current", "inactive_file");

    slash = strrchr (path, '/');
    if (slash == NULL)
      return;
    *slash = '\0';
  }
}

LodgeHostMemory
lodge_host_memory_read (void)
{
  g_autofree char *meminfo = lodge_host_root_read ("/proc/meminfo");
  g_autofree char *groups = lodge_host_root_read ("/proc/self/cgroup");
  g_auto (GStrv) lines = g_strsplit (groups != NULL ? groups : "", "\n", -1);
  LodgeHostMemory self = {.total_bytes = get_number (meminfo, "MemTotal") * 1024,
                          .available_bytes = get_number (meminfo, "MemAvailable") * 1024};

  for (guint i = 0; lines[i] != NULL; i++) {
    /* "hierarchy:controllers:path" (cgroups(7)); version 2 has no controllers here. */
    g_auto (GStrv) fields = g_strsplit (lines[i], ":", 3);

    if (g_strv_length (fields) != 3 || strstr (fields[2], "..") != NULL)
      continue;
    if (g_str_equal (fields[1], "memory"))
      apply_groups (&self, "/sys/fs/cgroup/memory", fields[2], TRUE);
    else if (fields[1][0] == '\0')
      apply_groups (&self, "/sys/fs/cgroup", fields[2], FALSE);
  }
  return self;
}
