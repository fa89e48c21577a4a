/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading what lodge-kvm-probe printed. */
#include "host/lodge-kvm-evidence.h"

#include <string.h>

static const struct {
  const char *name;
  gsize offset;
} fields[] = {
    {"cpu-vmx", G_STRUCT_OFFSET (LodgeKvmProbe, cpu_vmx)},
    {"cpu-svm", G_STRUCT_OFFSET (LodgeKvmProbe, cpu_svm)},
    {"open", G_STRUCT_OFFSET (LodgeKvmProbe, open)},
    {"api", G_STRUCT_OFFSET (LodgeKvmProbe, api)},
    {"api-version", G_STRUCT_OFFSET (LodgeKvmProbe, api_version)},
    {"create-vm", G_STRUCT_OFFSET (LodgeKvmProbe, create_vm)},
    {"memory", G_STRUCT_OFFSET (LodgeKvmProbe, memory)},
    {"create-vcpu", G_STRUCT_OFFSET (LodgeKvmProbe, create_vcpu)},
    {"cpuid", G_STRUCT_OFFSET (LodgeKvmProbe, cpuid)},
    {"registers", G_STRUCT_OFFSET (LodgeKvmProbe, registers)},
    {"running", G_STRUCT_OFFSET (LodgeKvmProbe, running)},
    {"run", G_STRUCT_OFFSET (LodgeKvmProbe, run)},
    {"exit-reason", G_STRUCT_OFFSET (LodgeKvmProbe, exit_reason)},
    {"instructions-per-second", G_STRUCT_OFFSET (LodgeKvmProbe, instructions_per_second)},
    {"end", G_STRUCT_OFFSET (LodgeKvmProbe, end)},
};
/* One row per number of the struct. */
G_STATIC_ASSERT (G_N_ELEMENTS (fields) == sizeof (LodgeKvmProbe) / sizeof (gint64));

static void
parse_line (LodgeKvmProbe *self, const char *line)
{
  const char *space = strchr (line, ' ');
  gint64 number;

  if (space == NULL || !g_ascii_string_to_signed (space + 1, 10, 0, G_MAXINT64, &number, NULL))
    return;

  for (guint i = 0; i < G_N_ELEMENTS (fields); i++) {
    gint64 *field = G_STRUCT_MEMBER_P (self, fields[i].offset);

    if (strlen (fields[i].name) != (gsize) (space - line) ||
        strncmp (fields[i].name, line, space - line) != 0)
      continue;
    /* The speed is printed after each round, the last is the best; all else is said once. */
    if (*field < 0 || field == &self->instructions_per_second)
      *field = number;
  }
}

LodgeKvmProbe
lodge_kvm_probe_parse (const char *text, gsize length)
{
  LodgeKvmProbe self;
  const char *end = text + length;

  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    G_STRUCT_MEMBER (gint64, &self, fields[i].offset) = -1;

  /* Only whole lines: the last one of a killed probe may be cut in a number. */
  for (const char *line = text; line < end;) {
    const char *newline = memchr (line, '\n', end - line);
    g_autofree char *copy = NULL;

    if (newline == NULL)
      break;
    copy = g_strndup (line, newline - line);
    parse_line (&self, copy);
    line = newline + 1;
  }
  return self;
}
