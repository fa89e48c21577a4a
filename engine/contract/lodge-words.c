/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The wire's words as people read them. */
#include "lodge-words.h"

#include <glib/gi18n-lib.h>

/* Within a sentence, and in a table of a terminal: “web” is running. */
static const char *const machine_states[] = {
    NC_ ("state of a machine", "off"),        NC_ ("state of a machine", "starting"),
    NC_ ("state of a machine", "running"),    NC_ ("state of a machine", "paused"),
    NC_ ("state of a machine", "suspending"), NC_ ("state of a machine", "stopping"),
    NC_ ("state of a machine", "crashed"),    NC_ ("state of a machine", "suspended"),
    NC_ ("state of a machine", "looking"),    NC_ ("state of a machine", "template"),
};

static const char *const job_words[] = {
    NC_ ("a job", "create"),          NC_ ("a job", "delete"),
    NC_ ("a job", "snapshot-create"), NC_ ("a job", "snapshot-revert"),
    NC_ ("a job", "snapshot-delete"), NC_ ("a job", "snapshot-merge"),
    NC_ ("a job", "suspend"),         NC_ ("a job", "resume"),
    NC_ ("a job", "discard-saved"),   NC_ ("a job", "clone"),
    NC_ ("a job", "disk-add"),        NC_ ("a job", "disk-attach"),
    NC_ ("a job", "disk-compact"),    NC_ ("a job", "disk-convert"),
    NC_ ("a job", "disk-detach"),     NC_ ("a job", "disk-grow"),
    NC_ ("a job", "disk-remove"),     NC_ ("a job", "stick-plug"),
    NC_ ("a job", "stick-unplug"),    NC_ ("a job", "file-fetch"),
    NC_ ("a job", "encrypt"),         NC_ ("a job", "decrypt"),
    NC_ ("a job", "running"),         NC_ ("a job", "done"),
    NC_ ("a job", "failed"),          NC_ ("a job", "cancelled"),
};

static const char *
find (const char *const *words, gsize n_words, const char *context, const char *word)
{
  for (gsize i = 0; i < n_words; i++) {
    if (g_strcmp0 (words[i], word) == 0)
      return g_dpgettext2 (GETTEXT_PACKAGE, context, words[i]);
  }
  return word;
}

const char *
lodge_words_machine_state (const char *state)
{
  return find (machine_states, G_N_ELEMENTS (machine_states), "state of a machine", state);
}

const char *
lodge_words_job (const char *word)
{
  return find (job_words, G_N_ELEMENTS (job_words), "a job", word);
}

/* The beginnings of libosinfo's short ids. */
static const struct {
  const char *const systems[12];
  const char *sentence;
} growings[] = {
    {{"win", NULL},
     N_ ("In Windows, extend the volume under Disk Management: until then it is as large as "
         "before.")},
    {{"debian", "ubuntu", "fedora", "centos", "rhel", "opensuse", "sle", "arch", "alpine", "gentoo",
      "alma", NULL},
     N_ ("In Linux, enlarge the partition (growpart) and then the file system on it (resize2fs, "
         "xfs_growfs or btrfs filesystem resize): until then they are as large as before.")},
    {{"freebsd", NULL},
     N_ ("In FreeBSD, enlarge the partition (gpart recover, gpart resize) and then the file system "
         "on it (growfs, or zpool online -e): until then they are as large as before.")},
    {{"openbsd", "netbsd", NULL},
     N_ ("In the guest, enlarge the partition (disklabel) and then the file system on it (growfs "
         "or "
         "resize_ffs) while it is not mounted: until then they are as large as before.")},
};

const char *
lodge_words_after_growing (const char *os)
{
  for (guint i = 0; os != NULL && i < G_N_ELEMENTS (growings); i++) {
    for (guint j = 0; growings[i].systems[j] != NULL; j++) {
      if (g_str_has_prefix (os, growings[i].systems[j]))
        return _ (growings[i].sentence);
    }
  }
  return _ ("In the guest, enlarge the partition and the file system on it: until then they are as "
            "large as before.");
}

const char *
lodge_words_before_removing (const char *os)
{
  if (os != NULL && g_str_has_prefix (os, "win"))
    return _ (
        "Take it offline first, in Windows under Disk Management: what is still to be written "
        "to it would be lost.");
  return _ ("Unmount it in the guest first: what is still to be written to it would be lost.");
}

char *
lodge_words_dup_blockers (GVariant *blockers)
{
  g_autofree char *text = g_strdup ("");
  const char *sentence, *advice;
  GVariantIter iter;

  g_variant_iter_init (&iter, blockers);
  while (g_variant_iter_next (&iter, "(&s&s)", &sentence, &advice)) {
    g_autofree char *before = g_steal_pointer (&text);
    g_autofree char *one =
        *advice != '\0' ? g_strdup_printf (_ ("%s. %s"), sentence, advice) : g_strdup (sentence);

    text = *before != '\0' ? g_strdup_printf (_ ("%s. %s"), before, one) : g_steal_pointer (&one);
  }
  return g_steal_pointer (&text);
}
