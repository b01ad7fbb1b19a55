/* SPDX-License-Identifier: MIT */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Small files as wholes.
 */

/*
 * The file at @path has @len bytes of @data from now on, also after a power failure, whatever it was
 * before; who reads it meanwhile sees the old one or the new one. PATH.new is used for that. 0, or
 * -errno and the file is as it was (if only the last step, the directory's way to the disk, fails it
 * may be the new one).
 */
int file_replace(const char *path, const void *data, size_t len, mode_t mode);

/* All of it. 0, or -errno when some of it may have been written. */
int file_write(int fd, const void *data, size_t len);

/*
 * The regular file's text, with a '\0' after it; the caller frees it. -ENOENT, -EFBIG when it has
 * more than @max bytes, -EINVAL when it is no file or has '\0' in it, or another -errno.
 */
int file_read(const char *path, size_t max, char **ret_text);

/*
 * What to do when making or writing a file has failed with @error (-errno), for the end of a sentence
 * that names the file: "; make room there, ...", or "".
 */
const char *file_remedy(int error);

#endif /* BASE_FILE_H */
