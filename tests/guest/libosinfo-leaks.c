/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the leak checker finds in libosinfo's loader (1.10: the state of each firmware entry) is not
 * ours; all other leaks count. */

const char *__lsan_default_suppressions (void);

const char *
__lsan_default_suppressions (void)
{
  return "leak:osinfo_loader_process_path\n";
}
