// The task's side of a repro: plain C, kept as text.
#include "platforms/repro_prelude.h"

#include <string_view>

namespace ipcspec {
namespace {

using Names = std::set<std::string, std::less<>>;

constexpr std::string_view kCore = R"C(#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Shared by all processes. */
struct record { /* what a step gave back, and the numbers that came out */
  int done, error;
  long ret, values, value[VALUES];
};
struct task {
  int pid, order, begun; /* order: the step that it shall make, or 0 */
  int handled[65];       /* how often handlers ran, by signal */
};
static struct shared {
  struct record record[STEPS + 1];
  struct task task[STEPS + 1];
  char data[STEPS + 1][DATA]; /* what steps read */
} *s;
static int shared_fd, me; /* me: the task that this process is */

#define LOAD(x) __atomic_load_n(&(x), __ATOMIC_SEQ_CST)
#define STORE(x, to) __atomic_store_n(&(x), to, __ATOMIC_SEQ_CST)

static long run(int step);

static void finish(int step, long ret, int error) {
  s->record[step].ret = ret;
  s->record[step].error = error;
  STORE(s->task[me].order, 0);
  STORE(s->record[step].done, 1);
}

/* A task sleeps until it is told a step, makes it, and notes what came back. */
static _Noreturn void serve(void) {
  for (;;) {
    int step;
    while ((step = LOAD(s->task[me].order)) == 0)
      syscall(SYS_futex, &s->task[me].order, FUTEX_WAIT, 0, NULL, NULL, 0);
    STORE(s->task[me].begun, step);
    errno = 0;
    long ret = run(step);
    finish(step, ret, ret == -1 ? errno : 0);
  }
}
)C";

struct Helper {
  std::string_view name;
  std::string_view needs;  // another helper, which stands before
  std::string_view text;
};

// In the order in which they are printed.
constexpr Helper kHelpers[] = {
    {"BAD", "", R"C(
static void *bad(void) { /* an address that may not be touched */
  static void *page;
  if (page == NULL) page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return page;
}
#define BAD bad()
)C"},
    {"any", "", R"C(
static __attribute__((noinline)) long any(volatile long count) { return count; }
)C"},
    {"pid_of", "", R"C(
/* The process that the task is; one that cannot be where there is no such task. */
static int pid_of(int task) {
  int pid = 0 <= task && task <= STEPS ? LOAD(s->task[task].pid) : 0;
  return pid > 0 ? pid : 0x3fffffff;
}
)C"},
    {"task_of", "", R"C(
/* The task that the process is. */
static long task_of(long pid) {
  for (int task = 0; task <= STEPS; task++)
    if (pid > 0 && LOAD(s->task[task].pid) == pid) return task;
  return pid;
}
)C"},
    {"on_signal", "", R"C(
static siginfo_t last_info;
static void on_signal(int signal, siginfo_t *info, void *context) {
  (void)context;
  last_info = *info;
  __atomic_add_fetch(&s->task[me].handled[signal], 1, __ATOMIC_SEQ_CST);
}
)C"},
    {"dispose", "", R"C(
static long dispose(int signal, void (*handler)(int)) {
  return sigaction(signal, &(struct sigaction){.sa_handler = handler}, NULL);
}
)C"},
    {"handle", "on_signal", R"C(
static long handle(int signal, int flags) {
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = flags | SA_SIGINFO};
  return sigaction(signal, &action, NULL);
}
)C"},
    {"mask_signal", "", R"C(
static long mask_signal(int how, int signal) {
  sigset_t set;
  sigemptyset(&set);
  return sigaddset(&set, signal) != 0 ? -1 : sigprocmask(how, &set, NULL);
}
)C"},
    {"pending", "", R"C(
static long pending(void) {
  struct record *r = &s->record[s->task[me].begun];
  sigset_t set;
  if (sigpending(&set) != 0) return -1;
  for (int signal = 1; signal < 65; signal++)
    if (sigismember(&set, signal) == 1) r->value[r->values++] = signal;
  return 0;
}
)C"},
    {"make_task", "", R"C(
/* fork(), or clone() with flags: the child is the task that is named after the step. */
static long make_task(int step, unsigned long flags) {
  long pid = flags == 0 ? fork() : syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
  if (pid == -1) return -1;
  STORE(s->task[step].pid, pid == 0 ? getpid() : (int)pid);
  if (pid == 0) {
    me = step;
    serve();
  }
  return step;
}
)C"},
    {"exec_self", "", R"C(
/* This program again; main() goes on with the task. */
static long exec_self(void) {
  char task[16], fd[16];
  snprintf(task, sizeof task, "%d", me);
  snprintf(fd, sizeof fd, "%d", shared_fd);
  char *argv[] = {"repro", "--task", task, fd, NULL};
  return execv("/proc/self/exe", argv);
}
)C"},
    {"become", "", R"C(
static int groups_set; /* by set_group() */
static long become(int uid, int gid) {
  if (geteuid() != 0) {
    errno = EPERM;
    return -1;
  }
  if (setresgid(gid, gid, gid) != 0 || (!groups_set && setgroups(0, NULL) != 0) ||
      setresuid(uid, uid, uid) != 0)
    return -1;
  return prctl(PR_SET_DUMPABLE, 1); /* so that /proc goes on telling whether it sleeps */
}
)C"},
    {"set_group", "become", R"C(
static long set_group(gid_t gid) {
  groups_set = 1;
  return setgroups(1, &gid);
}
)C"},
    {"limit_descriptors", "", R"C(
static long limit_descriptors(long count) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = (rlim_t)count;
  return setrlimit(RLIMIT_NOFILE, &limit);
}
)C"},
    {"only", "", R"C(
static long only(long ret, long bits) { return ret == -1 ? -1 : ret & bits; }
)C"},
    {"start", "", R"C(
/* Bytes are made piece by piece. A pattern is words like "A00001f.": a letter and a number. */
static char made[DATA];
static size_t made_size;
static int start(void) { return made_size = 0, 1; }
)C"},
    {"text", "start", R"C(static int text(const char *bytes, size_t size) {
  memcpy(made + made_size, bytes, size);
  return made_size += size, 1;
}
)C"},
    {"repeat", "start", R"C(static int repeat(int byte, size_t size) {
  memset(made + made_size, byte, size);
  return made_size += size, 1;
}
)C"},
    {"pattern", "start", R"C(static int pattern(char tag, long offset, long size) {
  for (long at = offset; at < offset + size; at++) {
    char word[16];
    snprintf(word, sizeof word, "%c%06lx.", tag, at / 8 & 0xffffff);
    made[made_size++] = word[at % 8];
  }
  return 1;
}
)C"},
    {"keep", "", R"C(
static int p[2];
static long keep(long ret, int values) { /* notes the numbers in p */
  struct record *r = &s->record[s->task[me].begun];
  for (int i = 0; ret != -1 && i < values; i++) r->value[r->values++] = p[i];
  return ret;
}
)C"},
    {"keep_stat", "", R"C(
static struct stat st;
static long keep_stat(long ret) { /* notes mode, owner, group, links */
  struct record *r = &s->record[s->task[me].begun];
  long values[] = {st.st_mode, st.st_uid, st.st_gid, (long)st.st_nlink};
  memcpy(r->value, values, sizeof values);
  return ret;
}
)C"},
    {"keep_poll", "", R"C(
static long keep_poll(long ret, struct pollfd *fds, int count) { /* notes what each is ready for */
  struct record *r = &s->record[s->task[me].begun];
  for (int i = 0; i < count; i++) r->value[r->values++] = fds[i].revents;
  return ret;
}
)C"},
    {"semun", "", R"C(
union semun {
  int val;
  struct semid_ds *buf;
  unsigned short *array;
  struct seminfo *info;
};
)C"},
    {"get_all", "semun", R"C(
static long get_all(int set) {
  static unsigned short all[32768];
  struct record *r = &s->record[s->task[me].begun];
  memset(all, 0xff, sizeof all); /* no semaphore has that value */
  long ret = semctl(set, 0, GETALL, (union semun){.array = all});
  while (ret != -1 && r->values < 32768 && all[r->values] != 0xffff) {
    r->value[r->values] = all[r->values];
    r->values++;
  }
  return ret;
}
)C"},
    {"last_task", "task_of", R"C(
static long last_task(long pid) { /* -1: no process of ours */
  return pid > 0 && task_of(pid) != pid ? task_of(pid) : -1;
}
)C"},
    {"keep_set", "semun", R"C(
#ifndef SEM_STAT_ANY
#define SEM_STAT_ANY 20
#endif
static struct semid_ds ds;
static long keep_set(long ret) { /* notes key, uid, gid, cuid, cgid, mode, nsems, otime, ctime */
  struct ipc_perm *perm = &ds.sem_perm;
  long values[] = {perm->__key, perm->uid, perm->gid, perm->cuid, perm->cgid, perm->mode,
                   (long)ds.sem_nsems, ds.sem_otime, ds.sem_ctime};
  memcpy(s->record[s->task[me].begun].value, values, sizeof values);
  return ret;
}
)C"},
    {"sem_set", "semun", R"C(
static long sem_set(int set, unsigned uid, unsigned gid, unsigned short mode) {
  struct semid_ds to = {.sem_perm = {.uid = uid, .gid = gid, .mode = mode}};
  return semctl(set, 0, IPC_SET, (union semun){.buf = &to});
}
)C"},
    {"keep_limits", "semun", R"C(
static long keep_limits(int command) {
  struct seminfo info;
  long ret = semctl(0, 0, command, (union semun){.info = &info});
  long *value = s->record[s->task[me].begun].value;
  value[0] = command == SEM_INFO ? info.semusz : info.semmsl;
  value[1] = command == SEM_INFO ? info.semaem : info.semmns;
  value[2] = info.semopm;
  value[3] = info.semmni;
  value[4] = info.semvmx;
  return ret;
}
)C"},
    {"keep_info", "last_task", R"C(
static long keep_info(void) { /* notes what came with the signal that was handled last */
  struct record *r = &s->record[s->task[me].begun];
  long values[] = {last_info.si_signo, last_info.si_code, last_task(last_info.si_pid),
                   (long)last_info.si_uid, last_info.si_value.sival_int};
  memcpy(r->value, values, sizeof values);
  return 0;
}
)C"},
    {"message", "", R"C(
static struct {
  long type;
  char text[DATA];
} message;
static __attribute__((unused)) void *make_message(long type, const char *text, size_t size) {
  message.type = type;
  memset(message.text, 0, sizeof message.text);
  memcpy(message.text, text, size);
  return &message;
}
static __attribute__((unused)) long keep_message(long ret) { /* notes type and text */
  int step = s->task[me].begun;
  if (ret >= 0) memcpy(s->data[step], message.text, (size_t)ret);
  s->record[step].value[s->record[step].values++] = message.type;
  return ret;
}
)C"},
    {"keep_queue", "last_task", R"C(
#ifndef MSG_STAT_ANY
#define MSG_STAT_ANY 13
#endif
static struct msqid_ds queue;
static long keep_queue(long ret) { /* notes what IPC_STAT gave */
  struct ipc_perm *perm = &queue.msg_perm;
  long values[] = {perm->__key, perm->uid, perm->gid, perm->cuid, perm->cgid, perm->mode,
                   (long)queue.msg_qnum, (long)queue.__msg_cbytes, (long)queue.msg_qbytes,
                   last_task(queue.msg_lspid), last_task(queue.msg_lrpid),
                   queue.msg_stime, queue.msg_rtime, queue.msg_ctime};
  memcpy(s->record[s->task[me].begun].value, values, sizeof values);
  return ret;
}
)C"},
    {"keep_msginfo", "", R"C(
static long keep_msginfo(int command) {
  struct msginfo info;
  long ret = msgctl(0, command, (struct msqid_ds *)&info);
  long *value = s->record[s->task[me].begun].value;
  value[0] = command == MSG_INFO ? info.msgpool : info.msgmax;
  value[1] = command == MSG_INFO ? info.msgmap : info.msgmnb;
  value[2] = command == MSG_INFO ? info.msgtql : info.msgmni;
  return ret;
}
)C"},
    {"keep_segment", "last_task", R"C(
#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15
#endif
static struct shmid_ds segment;
static long keep_segment(long ret) { /* notes what IPC_STAT gave */
  struct ipc_perm *perm = &segment.shm_perm;
  long values[] = {perm->__key, perm->uid, perm->gid, perm->cuid, perm->cgid, perm->mode,
                   (long)segment.shm_segsz, (long)segment.shm_nattch,
                   last_task(segment.shm_cpid), last_task(segment.shm_lpid),
                   segment.shm_atime, segment.shm_dtime, segment.shm_ctime};
  memcpy(s->record[s->task[me].begun].value, values, sizeof values);
  return ret;
}
)C"},
    {"keep_shminfo", "", R"C(
static long keep_shminfo(int command) {
  union {
    struct shminfo limits;
    struct shm_info usage;
  } info;
  long ret = shmctl(0, command, (struct shmid_ds *)&info);
  long *value = s->record[s->task[me].begun].value;
  if (command == SHM_INFO) {
    value[0] = info.usage.used_ids;
    value[1] = (long)info.usage.shm_tot;
    return ret;
  }
  unsigned long limits[] = {info.limits.shmmax, info.limits.shmmin, info.limits.shmmni,
                            info.limits.shmall};
  for (int i = 0; i < 4; i++) value[i] = limits[i] > LONG_MAX ? LONG_MAX : (long)limits[i];
  return ret;
}
)C"},
    {"copy", "", R"C(
static sigjmp_buf raised;
static void on_raised(int signal) { siglongjmp(raised, signal); }
/* Copies bytes; gives the signal that this raised, or 0. */
static long copy(volatile char *to, const volatile char *from, long count) {
  static const int signals[] = {SIGSEGV, SIGBUS};
  struct sigaction before[2];
  sigset_t both, mask;
  sigemptyset(&both);
  for (int i = 0; i < 2; i++) {
    sigaction(signals[i], &(struct sigaction){.sa_handler = on_raised}, &before[i]);
    sigaddset(&both, signals[i]);
  }
  sigprocmask(SIG_UNBLOCK, &both, &mask);
  int signal = sigsetjmp(raised, 0);
  for (volatile long i = 0; signal == 0 && i < count; i++) to[i] = from[i];
  sigprocmask(SIG_SETMASK, &mask, NULL);
  for (int i = 0; i < 2; i++) sigaction(signals[i], &before[i], NULL);
  return signal;
}
)C"},
    {"size_of", "", R"C(
static long size_of(int fd) {
  struct stat file;
  return fstat(fd, &file) != 0 ? -1 : (long)file.st_size;
}
)C"},
    {"from_now", "", R"C(
static struct timespec *from_now(clockid_t clock, long ns) { /* an absolute time */
  static struct timespec at;
  clock_gettime(clock, &at);
  long nanos = at.tv_nsec + ns % 1000000000;
  at.tv_sec += ns / 1000000000 + (nanos >= 1000000000) - (nanos < 0);
  at.tv_nsec = (nanos + 1000000000) % 1000000000;
  return &at;
}
)C"},
    {"keep_attributes", "", R"C(
static struct mq_attr attributes;
static long keep_attributes(long ret) { /* notes flags, longest queue and message, messages */
  long values[] = {attributes.mq_flags, attributes.mq_maxmsg, attributes.mq_msgsize,
                   attributes.mq_curmsgs};
  memcpy(s->record[s->task[me].begun].value, values, sizeof values);
  return ret;
}
)C"},
    {"notify_thread", "", R"C(
/* What SIGEV_THREAD comes down to: notices on a netlink socket, out of the way of descriptors. */
#define NOTICES 1000
static long notify_thread(int queue) {
  static char cookie[32] = "repro";
  if (fcntl(NOTICES, F_GETFD) == -1) {
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
    dup3(fd, NOTICES, O_CLOEXEC);
    close(fd);
  }
  struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_signo = NOTICES};
  event.sigev_value.sival_ptr = cookie;
  return syscall(SYS_mq_notify, queue, &event);
}
)C"},
    {"notices", "notify_thread", R"C(
static long notices(void) {
  struct record *r = &s->record[s->task[me].begun];
  char notice[32];
  while (r->values < 64 && recv(NOTICES, notice, 32, MSG_DONTWAIT) == 32)
    r->value[r->values++] = notice[31];
  return 0;
}
)C"},
    {"queue_file", "last_task", R"C(
/* Read by a child: closing the file may have an effect on the task. */
static long queue_file(const char *name) {
  struct record *r = &s->record[s->task[me].begun];
  char path[600], text[512] = "";
  int out[2], status = 0;
  snprintf(path, sizeof path, "/dev/mqueue%s", name);
  if (pipe(out) != 0) return -1;
  pid_t child = fork();
  if (child == 0) {
    int fd = open(path, O_RDONLY);
    ssize_t n = fd == -1 ? -1 : read(fd, text, sizeof text - 1);
    if (n >= 0 && write(out[1], text, (size_t)n) != n) n = -1;
    _exit(fd == -1 ? errno : 0);
  }
  waitpid(child, &status, 0);
  close(out[1]);
  ssize_t n = read(out[0], text, sizeof text - 1);
  close(out[0]);
  errno = WEXITSTATUS(status);
  long pid = -1;
  if (errno != 0 || n < 0 || sscanf(text, "QSIZE:%ld NOTIFY:%ld SIGNO:%ld NOTIFY_PID:%ld",
                                    &r->value[0], &r->value[1], &r->value[2], &pid) != 4)
    return -1;
  r->value[3] = last_task(pid);
  return 0;
}
)C"},
    {"limit_queue_bytes", "", R"C(
static long limit_queue_bytes(long bytes) {
  struct rlimit limit;
  getrlimit(RLIMIT_MSGQUEUE, &limit);
  limit.rlim_cur = (rlim_t)bytes;
  return setrlimit(RLIMIT_MSGQUEUE, &limit);
}
)C"},
    {"drop_capability", "", R"C(
static long drop_capability(int capability) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2];
  if (capability == CAP_DAC_OVERRIDE && drop_capability(CAP_DAC_READ_SEARCH) != 0) return -1;
  if (geteuid() == 0 && prctl(PR_CAPBSET_DROP, capability) != 0) return -1; /* over execve too */
  if (syscall(SYS_capget, &header, data) != 0) return -1;
  unsigned bit = ~(1u << (capability & 31));
  struct __user_cap_data_struct *half = &data[capability >> 5];
  half->effective &= bit, half->permitted &= bit, half->inheritable &= bit;
  return syscall(SYS_capset, &header, data);
}
)C"},
    {"get_limit", "", R"C(
static long get_limit(const char *path) {
  char text[64] = "";
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd == -1) return -1;
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  unsigned long value = strtoul(text, NULL, 10);
  return n <= 0 ? -1 : text[0] == '-' ? strtol(text, NULL, 10)
                     : value > LONG_MAX ? LONG_MAX : (long)value;
}
)C"},
    {"list_ipc", "last_task", R"C(
/* Notes the columns of each line, by identifier; those that are process ids as tasks. */
static long list_ipc(const char *path, int kind) {
  struct record *r = &s->record[s->task[me].begun];
  const int columns = kind == 0 ? 10 : 14;
  char line[1024];
  long lines = 0;
  FILE *file = fopen(path, "r");
  if (file == NULL) return -1;
  for (int first = 1; fgets(line, sizeof line, file) != NULL; first = 0) {
    char *at = line, *end;
    if (first || r->values + columns > VALUES) continue;
    lines++;
    long object[14];
    for (int column = 0; column < columns; column++, at = end) {
      object[column] = strtol(at, &end, column == 2 ? 8 : 10);
      if ((kind == 1 && (column == 5 || column == 6)) || (kind == 2 && (column == 4 || column == 5)))
        object[column] = last_task(object[column]);
    }
    int place = r->values;
    for (; place > 0 && r->value[place - columns + 1] > object[1]; place -= columns)
      memcpy(&r->value[place], &r->value[place - columns], sizeof *object * columns);
    memcpy(&r->value[place], object, sizeof *object * columns);
    r->values += columns;
  }
  fclose(file);
  return lines;
}
)C"},
    {"opened", "", R"C(
static long opened(sem_t *semaphore) { return semaphore == SEM_FAILED ? -1 : (long)semaphore; }
)C"},
    {"set_limit", "", R"C(
static long set_limit(const char *path, const char *limits) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd == -1) return -1;
  long ret = write(fd, limits, strlen(limits)) == -1 ? -1 : 0;
  int error = errno;
  close(fd);
  errno = error;
  return ret;
}
)C"},
};

const Helper* Find(std::string_view name) {
  for (const Helper& helper : kHelpers) {
    if (helper.name == name) return &helper;
  }
  return nullptr;
}

}  // namespace

std::string ReproPrelude(const Names& helpers) {
  Names wanted = helpers;
  for (const std::string& name : helpers) {
    for (const Helper* h = Find(name); h != nullptr && !h->needs.empty(); h = Find(h->needs)) {
      wanted.emplace(h->needs);
    }
  }
  std::string out(kCore);
  for (const Helper& helper : kHelpers) {
    if (wanted.contains(helper.name)) out += helper.text;
  }
  return out;
}

}  // namespace ipcspec
