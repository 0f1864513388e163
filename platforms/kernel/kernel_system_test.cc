// The kernel beneath as a system: each kind of call once, and that a start is fresh. What these
// calls give is the kernel's business and judged elsewhere; here it is whether the harness carries
// them and tells the truth.
#include "platforms/kernel/kernel_system.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/ipc.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <string>
#include <utility>
#include <vector>

#include "platforms/kernel/kernel_test.h"

namespace ipcspec {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

using KernelSystemTest = KernelTest;

TEST_F(KernelSystemTest, AFreshAgentHasThreeDescriptors) {
  for (int fd = 0; fd < 3; ++fd) {
    EXPECT_EQ(Must(0, GetFdFlags{.fd = fd}), 0) << fd;
  }
  const int64_t limit = system_->dialect().max_descriptors;
  for (int64_t fd = 3; fd < std::min<int64_t>(limit, 100); ++fd) {
    EXPECT_EQ(Do(0, GetFdFlags{.fd = fd}), Fails(EBADF)) << fd;
  }
  EXPECT_EQ(Do(0, MakePipe{}).values, (Outcome{.values = {3, 4}}.values));
}

TEST_F(KernelSystemTest, PipesCarryData) {
  const Outcome made = Do(0, MakePipe{});
  const int64_t r = made.values[0], w = made.values[1];
  EXPECT_EQ(Must(0, Write{.fd = w, .data = "hello"}), 5);
  EXPECT_EQ(Do(0, Fionread{.fd = r}).values[0], 5);
  EXPECT_EQ(Do(0, Read{.fd = r, .count = 3}), (Outcome{.ret = 3, .data = "hel"}));
  EXPECT_EQ(Must(0, Writev{.fd = w, .data = {"ab", "", "cde"}}), 5);
  EXPECT_EQ(Do(0, Readv{.fd = r, .counts = {1, 0, 9}}), (Outcome{.ret = 7, .data = "loabcde"}));
  EXPECT_EQ(Must(0, GetPipeSize{.fd = r}), 16 * system_->dialect().page_size);
  EXPECT_GE(Must(0, SetPipeSize{.fd = r, .size = 4096}), 4096);
  EXPECT_EQ(Do(0, MakePipe{.result = Memory::kBad}), Fails(EFAULT));
  const Outcome ready =
      Do(0, Poll{.fds = {{.fd = r, .events = POLLIN}, {.fd = w, .events = POLLOUT}}, .timeout = 0});
  EXPECT_EQ(ready.ret, 1);
  EXPECT_THAT(ready.values, ElementsAre(0, POLLOUT));
  EXPECT_EQ(Do(0, Lseek{.fd = r}), Fails(ESPIPE));
  EXPECT_TRUE(S_ISFIFO(Do(0, Fstat{.fd = r}).values[0]));
  EXPECT_EQ(Do(0, Write{.fd = w, .data = "x", .memory = Memory::kBad}), Fails(EFAULT));
  // Much data, more than a pipe holds, and more than a mailbox: the second is trouble, no outcome.
  Must(0, SetStatusFlags{.fd = w, .flags = O_NONBLOCK});
  EXPECT_EQ(Must(0, GetStatusFlags{.fd = w}), O_WRONLY | O_NONBLOCK);
  EXPECT_GT(Must(0, Write{.fd = w, .data = std::string(200'000, 'x')}), 0);
  EXPECT_FALSE(system_
                   ->Submit(0, 999,
                            std::make_shared<const Call>(
                                Write{.fd = w, .data = std::string(Mailbox::kBufferSize + 1, 'x')}),
                            events_)
                   .ok());
}

TEST_F(KernelSystemTest, DescriptorsAndNames) {
  EXPECT_EQ(Must(0, Umask{.mask = 0}), 022);
  Must(0, Mkfifo{.path = "f", .mode = 0640});
  const Outcome stat = Do(0, Stat{.path = "f"});
  EXPECT_THAT(stat.values, ElementsAre(S_IFIFO | 0640, 0, 0, 1));
  EXPECT_EQ(Must(0, Open{.path = "f", .flags = O_RDWR | O_CLOEXEC}), 3);
  EXPECT_EQ(Must(0, GetFdFlags{.fd = 3}), FD_CLOEXEC);
  EXPECT_EQ(Must(0, Dup{.fd = 3}), 4);
  EXPECT_EQ(Must(0, Dup2{.fd = 3, .to = 9}), 9);
  Must(0, SetFdFlags{.fd = 9, .flags = FD_CLOEXEC});
  Must(0, Close{.fd = 4});
  EXPECT_EQ(Must(0, Exec{}), 0);
  EXPECT_EQ(Do(0, GetFdFlags{.fd = 3}), Fails(EBADF));
  EXPECT_EQ(Must(0, Open{.path = "f", .flags = O_RDWR}), 3);
  Must(0, Mkdir{.path = "d", .mode = 0700});
  Must(0, Rename{.from = "f", .to = "d/g"});
  Must(0, Symlink{.target = "d/g", .path = "l"});
  Must(0, Chmod{.path = "l", .mode = 0600});
  Must(0, Chown{.path = "l", .uid = 0, .gid = 0});
  EXPECT_EQ(Do(0, Stat{.path = "d/g"}).values[0], S_IFIFO | 0600);
  Must(0, Unlink{.path = "d/g"});
  EXPECT_EQ(Do(0, Stat{.path = "l"}), Fails(ENOENT));
  Must(0, Mknod{.path = "n", .mode = S_IFREG | 0600});
  EXPECT_EQ(Do(0, Open{.path = "x", .memory = Memory::kBad}), Fails(EFAULT));
  Must(0, LimitDescriptors{.count = 4});
  EXPECT_EQ(Do(0, Dup{.fd = 3}), Fails(EMFILE));
  EXPECT_EQ(Must(0, Exec{}), 0);  // the new image needs a descriptor, and has it
  EXPECT_EQ(Do(0, Dup{.fd = 3}), Fails(EMFILE));
}

TEST_F(KernelSystemTest, MountsAreGoneAfterwards) {
  if (!TestedMachine().may_mount) GTEST_SKIP() << "this run may not mount";
  Must(0, Mkdir{.path = "m"});
  Must(0, MountTmpfs{.path = "m", .inodes = 2});
  EXPECT_EQ(Do(0, Stat{.path = "m"}).values[0], S_IFDIR | 0777);
  Must(0, Mkfifo{.path = "m/a"});
  EXPECT_EQ(Do(0, Mkfifo{.path = "m/b"}), Fails(ENOSPC));
  Must(0, RemountReadOnly{.path = "m"});
  EXPECT_EQ(Do(0, Unlink{.path = "m/a"}), Fails(EROFS));
  // Under another name it cannot be found again.
  Must(0, Mkdir{.path = "p"});
  Must(0, Mkdir{.path = "p/q"});
  Must(0, MountTmpfs{.path = "p/q"});
  Must(0, Mkfifo{.path = "p/q/a"});
  Must(0, Rename{.from = "p", .to = "r"});
  ASSERT_TRUE(system_->Reset().ok());
  for (const char* name : {"m", "p", "r"}) {
    EXPECT_EQ(Do(0, Stat{.path = name}), Fails(ENOENT)) << name;
  }
}

TEST_F(KernelSystemTest, SemaphoreCalls) {
  if (!TestedMachine().no_sysv_ipc.empty()) GTEST_SKIP() << TestedMachine().no_sysv_ipc;
  Must(0, Mkfifo{.path = "f"});
  const int64_t key = Must(0, Ftok{.path = "f", .id = 7});
  EXPECT_EQ(Do(0, Ftok{.path = "none", .id = 7}), Fails(ENOENT));
  const int64_t id = Must(0, Semget{.key = key, .nsems = 3, .flags = IPC_CREAT | 0600});
  Must(0, SemSetAll{.id = id, .all = {1, 2, 3}});
  EXPECT_THAT(Do(0, SemGetAll{.id = id}).values, ElementsAre(1, 2, 3));
  EXPECT_EQ(Do(0, SemGetAll{.id = id, .memory = Memory::kBad}), Fails(EFAULT));
  Must(0, SemSetVal{.id = id, .num = 1, .value = 5});
  EXPECT_EQ(Must(0, SemGetVal{.id = id, .num = 1}), 5);
  Must(0, Semop{.id = id, .ops = {{.num = 1, .op = -5}, {.num = 0, .op = -1}}});
  EXPECT_THAT(Do(0, SemGetAll{.id = id}).values, ElementsAre(0, 0, 3));
  const int child = MustFork(0);
  Must(child, Semop{.id = id, .ops = {{.num = 2, .op = 1}}});
  EXPECT_EQ(Must(0, SemGetPid{.id = id, .num = 2}), child);  // a task, not a process id
  Make(child, Semop{.id = id, .ops = {{.num = 1, .op = -1}}});
  EXPECT_TRUE(Asleep(child));
  EXPECT_EQ(Must(0, SemGetNcnt{.id = id, .num = 1}), 1);
  EXPECT_EQ(Must(0, SemGetZcnt{.id = id, .num = 1}), 0);
  Must(0, SemSet{.id = id, .uid = 0, .gid = 0, .mode = 0640});
  const Outcome stat = Do(0, SemStat{.id = id});
  ASSERT_THAT(stat.values, SizeIs(kSemidFields.size()));
  EXPECT_EQ(stat.values[0], key);
  EXPECT_EQ(stat.values[5], 0640);
  EXPECT_EQ(stat.values[6], 3);
  EXPECT_NEAR(stat.values[8], system_->dialect().wall_start, 10);
  EXPECT_EQ(Do(0, SemBadCommand{.id = id}), Fails(EINVAL));
  if (!system_->guesses()) {  // gVisor has these not, or not all
    const Outcome limits = Do(0, SemLimits{});
    EXPECT_EQ(limits.values[0], system_->dialect().semmsl);
    EXPECT_THAT(Do(0, SemUsage{}).values, ElementsAre(1, 3));
    EXPECT_EQ(Must(0, SemStatIndex{.index = limits.ret}), id);
  }
  Must(0, SemRemove{.id = id});
  EXPECT_EQ(Last(Event::Kind::kReturn, child)[0].outcome, Fails(EIDRM));
}

TEST_F(KernelSystemTest, NoSetAndNoLimitIsLeft) {
  if (!TestedMachine().no_sysv_ipc.empty()) GTEST_SKIP() << TestedMachine().no_sysv_ipc;
  const Dialect& d = system_->dialect();
  Must(0, Semget{.key = 77, .nsems = static_cast<int>(d.semmsl), .flags = IPC_CREAT | 0600});
  if (Do(0, SetSemLimits{.semmsl = 5, .semmns = 50, .semopm = 5, .semmni = 5}).ok()) {
    EXPECT_EQ(Do(0, SemLimits{}).values[0], 5);
  }
  ASSERT_TRUE(system_->Reset().ok());
  EXPECT_EQ(Do(0, Semget{.key = 77, .nsems = 0}), Fails(ENOENT));
  EXPECT_GE(Must(0, Semget{.nsems = d.semmsl}), 0);
}

TEST_F(KernelSystemTest, LargestSetComesOutWhole) {
  if (!TestedMachine().no_sysv_ipc.empty()) GTEST_SKIP() << TestedMachine().no_sysv_ipc;
  const int64_t nsems = system_->dialect().semmsl;
  const int64_t id = Must(0, Semget{.nsems = nsems, .flags = 0600});
  EXPECT_THAT(Do(0, SemGetAll{.id = id}).values, SizeIs(nsems));
}

TEST_F(KernelSystemTest, ResetEndsEverybody) {
  for (int i = 0; i < 8; ++i) {
    const int child = MustFork(0);
    const Outcome pipe = Do(child, MakePipe{});
    Must(child, Mkfifo{.path = "f" + std::to_string(i)});
    if (i % 2 == 0) Make(child, Read{.fd = pipe.values[0], .count = 1});
  }
  ASSERT_TRUE(system_->Reset().ok());
  EXPECT_FALSE(system_->Alive(1));
  EXPECT_EQ(Do(0, Stat{.path = "f0"}), Fails(ENOENT));
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), 0) << "there is the first agent and no other child";
}

TEST_F(KernelSystemTest, ManyTasksAndThenTooMany) {
  for (int i = 1; i < Mailboxes::kSlots; ++i) MustFork(0);
  EXPECT_FALSE(system_->Submit(0, 999, std::make_shared<const Call>(Fork{}), events_).ok());
}

TEST_F(KernelSystemTest, TimeDoesNotGoBack) {
  const Outcome pipe = Do(0, MakePipe{});
  for (int i = 0; i < 50; ++i) Must(0, Write{.fd = pipe.values[1], .data = "x"});
  int64_t before = 0;
  for (const Event& e : events_) {
    EXPECT_GE(e.time_ns, before);
    before = e.time_ns;
  }
}

}  // namespace
}  // namespace ipcspec
