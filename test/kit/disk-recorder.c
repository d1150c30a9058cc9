/*
 * Records what a process does to the files of one folder, in the order in which it is done: loaded by LD_PRELOAD,
 * with RECORD_FOLDER and RECORD_FILE in the environment.
 *
 * With RECORD_TROUBLE, the path of a file: while there is such a file, its first letter says what is wrong with the
 * disk. f: it is full, and nothing more can be written. e: what is synced fails. s: a sync takes 50 ms longer.
 *
 * One entry: u8 kind, u16 length of the name in the folder, u64 offset, u32 length of the data, name, data; numbers
 * little-endian. Kinds: 1 write, 2 sync, 3 truncate, 4 unlink, 5 mark (offset is its number), 6 failed sync.
 *
 * With RECORD_FAIL_EVERY=n each n-th sync of a file fails with EIO. As on Linux, what was written since the last one
 * is not tried again by the next.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int out = -1;

static void emit(uint8_t kind, const char *name, uint64_t offset, const void *data, uint32_t size) {
  static ssize_t (*real_write)(int, const void *, size_t);
  const char *file = getenv("RECORD_FILE");
  if (file == NULL) {
    return;
  }
  if (real_write == NULL) {
    real_write = dlsym(RTLD_NEXT, "write");
  }
  if (out < 0) {
    out = open(file, O_WRONLY | O_CREAT | O_APPEND, 0600);
  }
  uint16_t length = (uint16_t)strlen(name);
  size_t total = 15 + length + size;
  char *entry = malloc(total);
  entry[0] = (char)kind;
  memcpy(entry + 1, &length, 2);
  memcpy(entry + 3, &offset, 8);
  memcpy(entry + 11, &size, 4);
  memcpy(entry + 15, name, length);
  if (size > 0) {
    memcpy(entry + 15 + length, data, size);
  }
  if (real_write(out, entry, total) != (ssize_t)total) {
    abort();
  }
  free(entry);
}

/* What is wrong with the disk now, or 0. */
static char trouble(void) {
  static ssize_t (*real_read)(int, void *, size_t);
  const char *file = getenv("RECORD_TROUBLE");
  int fd = file == NULL ? -1 : open(file, O_RDONLY);
  char what = 0;
  if (fd < 0) {
    return 0;
  }
  if (real_read == NULL) {
    real_read = dlsym(RTLD_NEXT, "read");
  }
  if (real_read(fd, &what, 1) != 1) {
    what = 0;
  }
  close(fd);
  return what;
}

/* The name of a path in the recorded folder, "." for the folder itself, or NULL. */
static const char *inside(const char *path) {
  const char *folder = getenv("RECORD_FOLDER");
  size_t length = folder == NULL ? 0 : strlen(folder);
  if (length == 0 || strncmp(path, folder, length) != 0) {
    return NULL;
  }
  if (path[length] == 0) {
    return ".";
  }
  return path[length] == '/' ? path + length + 1 : NULL;
}

static const char *name_of(int fd, char *buffer, size_t size) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, buffer, size - 1);
  if (length < 0) {
    return NULL;
  }
  buffer[length] = 0;
  return inside(buffer);
}

/* True when it has to fail because of the trouble; errno is set then. */
static int fails(uint8_t kind) {
  char what = trouble();
  if (kind == 1 && what == 'f') {
    errno = ENOSPC;
    return 1;
  }
  if (kind == 2 && what == 'e') {
    errno = EIO;
    return 1;
  }
  if (kind == 2 && what == 's') {
    usleep(50000);
  }
  return 0;
}

/* Done and recorded in one step, so that the record has the order of what was done. */
#define RECORDED(call, kind, offset, data, size)              \
  char path[4096];                                            \
  const char *name = name_of(fd, path, sizeof path);          \
  if (name == NULL) {                                         \
    return call;                                              \
  }                                                           \
  if (fails(kind)) {                                          \
    return -1;                                                \
  }                                                           \
  pthread_mutex_lock(&lock);                                  \
  __typeof__(call) result = call;                             \
  if (result >= 0) {                                          \
    emit(kind, name, (uint64_t)(offset), data, (uint32_t)(size)); \
  }                                                           \
  pthread_mutex_unlock(&lock);                                \
  return result

#define REAL(type, symbol, ...)                               \
  static type (*real)(__VA_ARGS__);                           \
  if (real == NULL) {                                         \
    real = dlsym(RTLD_NEXT, symbol);                          \
  }

ssize_t write(int fd, const void *data, size_t size) {
  REAL(ssize_t, "write", int, const void *, size_t);
  RECORDED(real(fd, data, size), 1, lseek(fd, 0, SEEK_CUR) - result, data, result);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
  REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
  RECORDED(real(fd, data, size, offset), 1, offset, data, result);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset) {
  REAL(ssize_t, "pwrite64", int, const void *, size_t, off_t);
  RECORDED(real(fd, data, size, offset), 1, offset, data, result);
}

int ftruncate(int fd, off_t size) {
  REAL(int, "ftruncate", int, off_t);
  RECORDED(real(fd, size), 3, size, NULL, 0);
}

int ftruncate64(int fd, off_t size) {
  REAL(int, "ftruncate64", int, off_t);
  RECORDED(real(fd, size), 3, size, NULL, 0);
}

static int failed(int fd) {
  static unsigned count;
  const char *every = getenv("RECORD_FAIL_EVERY");
  char path[4096];
  const char *name = name_of(fd, path, sizeof path);
  if (every == NULL || name == NULL || strcmp(name, ".") == 0) {
    return 0;
  }
  pthread_mutex_lock(&lock);
  count += 1;
  int is_due = count % (unsigned)atoi(every) == 0;
  if (is_due) {
    emit(6, name, 0, NULL, 0);
  }
  pthread_mutex_unlock(&lock);
  errno = EIO;
  return is_due;
}

int fsync(int fd) {
  REAL(int, "fsync", int);
  if (failed(fd)) {
    return -1;
  }
  RECORDED(real(fd), 2, 0, NULL, 0);
}

int fdatasync(int fd) {
  REAL(int, "fdatasync", int);
  if (failed(fd)) {
    return -1;
  }
  RECORDED(real(fd), 2, 0, NULL, 0);
}

int unlink(const char *target) {
  REAL(int, "unlink", const char *);
  const char *name = inside(target);
  if (name == NULL) {
    return real(target);
  }
  pthread_mutex_lock(&lock);
  int result = real(target);
  if (result == 0) {
    emit(4, name, 0, NULL, 0);
  }
  pthread_mutex_unlock(&lock);
  return result;
}

/* The program says that something was acknowledged. */
void record_mark(uint32_t number) {
  pthread_mutex_lock(&lock);
  emit(5, "", number, NULL, 0);
  pthread_mutex_unlock(&lock);
}
