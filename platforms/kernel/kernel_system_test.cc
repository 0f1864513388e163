// The kernel beneath as a system: each kind of call once, what blocks is seen as blocked, signals,
// deaths, and that a start is fresh. What these calls give is the kernel's business and judged
// elsewhere; here it is whether the harness carries them and tells the truth.
#include "platforms/kernel/kernel_system.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <string>
#include <utility>
#include <vector>

#include "platforms/kernel/kernel_test.h"

namespace ipcspec {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class KernelSystemTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    system_ = NewKernelSystem().release();
    ASSERT_NE(system_, nullptr);
  }
  static void TearDownTestSuite() {
    delete system_;
    system_ = nullptr;
  }
  void SetUp() override {
    const absl::Status status = system_->Reset();
    ASSERT_TRUE(status.ok()) << status;
  }

  // Makes a call, and lets everything settle; the label of the step.
  int Make(int task, Call call) {
    const int label = next_label_++;
    last_ = events_.size();
    absl::Status status =
        system_->Submit(task, label, std::make_shared<const Call>(std::move(call)), events_);
    if (status.ok()) status = system_->Settle(events_);
    EXPECT_TRUE(status.ok()) << status;
    return label;
  }
  // Events of the last step, of one kind and task.
  std::vector<Event> Last(Event::Kind kind, int task) const {
    std::vector<Event> found;
    for (size_t i = last_; i < events_.size(); ++i) {
      if (events_[i].kind == kind && events_[i].task == task) found.push_back(events_[i]);
    }
    return found;
  }
  // Makes a call that returns.
  Outcome Do(int task, Call call) {
    const std::string name(NameOf(call));
    Make(task, std::move(call));
    const std::vector<Event> returned = Last(Event::Kind::kReturn, task);
    EXPECT_THAT(returned, SizeIs(1)) << name << " did not return";
    return returned.empty() ? Outcome{.ret = -1, .error = -1} : returned[0].outcome;
  }
  int64_t Must(int task, Call call) {
    const std::string name(NameOf(call));
    const Outcome outcome = Do(task, std::move(call));
    EXPECT_EQ(outcome.error, 0) << name;
    return outcome.ret;
  }
  int MustFork(int task) {
    const int label = Make(task, Fork{});
    EXPECT_THAT(Last(Event::Kind::kReturn, task), SizeIs(1));
    EXPECT_TRUE(system_->Idle(label));
    return label;
  }
  bool Asleep(int task) const { return system_->Alive(task) && !system_->Idle(task); }
  std::vector<int> Signals(int task) const {
    std::vector<int> signals;
    for (const Event& e : Last(Event::Kind::kSignal, task)) signals.push_back(e.number);
    return signals;
  }
  std::vector<int> Exits(int task) const {
    std::vector<int> statuses;
    for (const Event& e : Last(Event::Kind::kExit, task)) statuses.push_back(e.number);
    return statuses;
  }
  // gVisor does not tell how a process ended.
  int Told(int status) const { return system_->guesses() ? -1 : status; }

  static KernelSystem* system_;
  std::vector<Event> events_;
  size_t last_ = 0;
  int next_label_ = 1;
};
KernelSystem* KernelSystemTest::system_ = nullptr;

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

TEST_F(KernelSystemTest, SleepersAreSeenAsleep) {
  Must(0, Mkfifo{.path = "f"});
  const Outcome pipe = Do(0, MakePipe{});
  const int reader = MustFork(0), opener = MustFork(0), poller = MustFork(0);
  Make(reader, Read{.fd = pipe.values[0], .count = 4});
  EXPECT_TRUE(Asleep(reader));
  Make(opener, Open{.path = "f", .flags = O_RDONLY});
  EXPECT_TRUE(Asleep(opener));
  Make(poller, Poll{.fds = {{.fd = pipe.values[0], .events = POLLIN}}});
  EXPECT_TRUE(Asleep(poller));
  EXPECT_EQ(events_.back().guessed, system_->guesses());
  // One call wakes two; the third sleeps on. What the reader takes leaves some for the poller to
  // see.
  Make(0, Write{.fd = pipe.values[1], .data = "abcdefgh"});
  EXPECT_THAT(Last(Event::Kind::kReturn, reader), SizeIs(1));
  EXPECT_THAT(Last(Event::Kind::kReturn, poller), SizeIs(1));
  EXPECT_TRUE(Asleep(opener));
  EXPECT_GE(Must(0, Open{.path = "f", .flags = O_WRONLY}), 0);
  EXPECT_TRUE(system_->Idle(opener));
}

TEST_F(KernelSystemTest, AwaitLetsTimePass) {
  const int other = MustFork(0);
  const Outcome pipe = Do(0, MakePipe{});
  Make(0, Poll{.fds = {{.fd = pipe.values[0], .events = POLLIN}}, .timeout = 30'000'000});
  EXPECT_TRUE(Asleep(0));
  const int64_t called = Last(Event::Kind::kCall, 0)[0].time_ns;
  last_ = events_.size();
  ASSERT_TRUE(system_->AwaitReturn(0, absl::Seconds(20), events_).ok());
  ASSERT_THAT(Last(Event::Kind::kReturn, 0), SizeIs(1));
  EXPECT_GE(Last(Event::Kind::kReturn, 0)[0].time_ns - called, 30'000'000);
  // What nothing ends is not waited for.
  Make(0, Read{.fd = pipe.values[0], .count = 1});
  EXPECT_TRUE(absl::IsDeadlineExceeded(system_->AwaitReturn(0, absl::Hours(1), events_)));
  EXPECT_TRUE(system_->Idle(other));
}

TEST_F(KernelSystemTest, ForkedTasksEndAndAreWaitedFor) {
  const int child = MustFork(0);
  Make(0, Wait{.target = child});
  EXPECT_TRUE(Asleep(0));
  Make(child, Exit{.status = 3});
  EXPECT_THAT(Exits(child), SizeIs(1));
  EXPECT_FALSE(system_->Alive(child));
  ASSERT_THAT(Last(Event::Kind::kReturn, 0), SizeIs(1));
  const Outcome waited = Last(Event::Kind::kReturn, 0)[0].outcome;
  EXPECT_EQ(waited.ret, child);
  EXPECT_THAT(waited.values, ElementsAre(W_EXITCODE(3, 0)));

  const int second = MustFork(0);
  EXPECT_EQ(Must(0, Wait{.target = second, .options = WNOHANG}), 0);
  Must(0, Kill{.target = second, .signal = SIGKILL});
  EXPECT_THAT(Exits(second), ElementsAre(Told(SIGKILL)));
  EXPECT_THAT(Do(0, Wait{.target = second}).values, ElementsAre(SIGKILL));
  EXPECT_EQ(Do(0, Wait{.target = second}), Fails(ECHILD));
  EXPECT_EQ(Do(0, Kill{.target = second, .signal = SIGKILL}), Fails(ESRCH));
  EXPECT_EQ(Do(0, Kill{.target = -1, .signal = 0}), Fails(ESRCH));
  EXPECT_EQ(Do(0, Kill{.target = 4711, .signal = 0}), Fails(ESRCH));
}

TEST_F(KernelSystemTest, AnOrphanGoesOn) {
  const int child = MustFork(0);
  const int grandchild = MustFork(child);
  Make(child, Exit{});
  EXPECT_TRUE(system_->Idle(grandchild));
  EXPECT_EQ(Must(grandchild, Umask{.mask = 077}), 022);
  Make(0, Exit{.status = 256 + 7});
  EXPECT_THAT(Exits(0), ElementsAre(Told(W_EXITCODE(7, 0))));
  EXPECT_EQ(Must(grandchild, Umask{.mask = 0}), 077);
}

TEST_F(KernelSystemTest, CloneSharesAdjustments) {
  const int label = Make(0, Clone{.flags = CLONE_SYSVSEM});
  const std::vector<Event> returned = Last(Event::Kind::kReturn, 0);
  ASSERT_THAT(returned, SizeIs(1));
  if (!returned[0].outcome.ok()) GTEST_SKIP() << "no CLONE_SYSVSEM here";
  EXPECT_EQ(returned[0].outcome.ret, label);
  EXPECT_TRUE(system_->Idle(label));
}

TEST_F(KernelSystemTest, HandlersRunInIdleTasks) {
  const int child = MustFork(0);
  Must(child, Sigaction{.signal = SIGUSR1, .disposition = Disposition::kHandle});
  Must(child, Sigaction{.signal = SIGUSR2, .disposition = Disposition::kIgnore});
  Must(0, Kill{.target = child, .signal = SIGUSR1});
  EXPECT_THAT(Signals(child), ElementsAre(SIGUSR1));
  Must(0, Kill{.target = child, .signal = SIGUSR2});
  EXPECT_THAT(Signals(child), IsEmpty());
  Must(child, Sigprocmask{.how = MaskChange::kBlock, .signal = SIGUSR1});
  Must(0, Kill{.target = child, .signal = SIGUSR1});
  EXPECT_THAT(Signals(child), IsEmpty());
  EXPECT_THAT(Do(child, Sigpending{}).values, ElementsAre(SIGUSR1));
  Must(child, Sigprocmask{.how = MaskChange::kUnblock, .signal = SIGUSR1});
  EXPECT_THAT(Signals(child), ElementsAre(SIGUSR1));
  EXPECT_EQ(Do(child, Sigprocmask{.signal = 0}), Fails(EINVAL));
  EXPECT_EQ(Do(child, Sigaction{.signal = SIGKILL}), Fails(EINVAL));
  // Default: it ends, though it was idle.
  Must(child, Exec{});
  Must(0, Kill{.target = child, .signal = SIGUSR1});
  EXPECT_THAT(Exits(child), ElementsAre(Told(SIGUSR1)));
}

TEST_F(KernelSystemTest, AHandlerComesBeforeTheReturnThatItCauses) {
  const int child = MustFork(0);
  const Outcome pipe = Do(child, MakePipe{});
  Must(child, Sigaction{.signal = SIGUSR1, .disposition = Disposition::kHandle});
  Must(child, Sigaction{.signal = SIGUSR2, .disposition = Disposition::kHandleRestart});
  Make(child, Read{.fd = pipe.values[0], .count = 1});
  Must(0, Kill{.target = child, .signal = SIGUSR2});
  EXPECT_THAT(Signals(child), ElementsAre(SIGUSR2));
  EXPECT_TRUE(Asleep(child));
  Must(0, Kill{.target = child, .signal = SIGUSR1});
  EXPECT_THAT(Signals(child), ElementsAre(SIGUSR1));
  ASSERT_THAT(Last(Event::Kind::kReturn, child), SizeIs(1));
  EXPECT_EQ(Last(Event::Kind::kReturn, child)[0].outcome, Fails(EINTR));
  std::vector<Event::Kind> order;
  for (size_t i = last_; i < events_.size(); ++i) {
    if (events_[i].task == child && events_[i].kind != Event::Kind::kQuiet) {
      order.push_back(events_[i].kind);
    }
  }
  EXPECT_THAT(order, ElementsAre(Event::Kind::kSignal, Event::Kind::kReturn));
}

TEST_F(KernelSystemTest, SigpipeEndsATaskInItsCall) {
  const Outcome pipe = Do(0, MakePipe{});
  const int child = MustFork(0);
  Must(0, Sigaction{.signal = SIGCHLD, .disposition = Disposition::kHandle});
  Must(0, Close{.fd = pipe.values[0]});
  Must(child, Close{.fd = pipe.values[0]});
  Make(child, Write{.fd = pipe.values[1], .data = "x"});
  EXPECT_THAT(Exits(child), ElementsAre(Told(SIGPIPE)));
  EXPECT_THAT(Signals(0), ElementsAre(SIGCHLD));
  EXPECT_THAT(Last(Event::Kind::kReturn, child), IsEmpty());
}

TEST_F(KernelSystemTest, ChildrenOfWhoIgnoresThemLeaveNoZombie) {
  Must(0, Sigaction{.signal = SIGCHLD, .disposition = Disposition::kIgnore});
  const int child = MustFork(0);
  Make(child, Exit{.status = 1});
  EXPECT_THAT(Exits(child), SizeIs(1));
  EXPECT_EQ(Do(0, Wait{.target = child}), Fails(ECHILD));
}

// What guards accesses is set up once for a race of nothing else: each fault shows, and afterwards
// the task has its own dispositions.
TEST_F(KernelSystemTest, FaultsInARaceShow) {
  const int child = MustFork(0);
  constexpr int64_t kNowhere = 8;
  const int64_t here =
      Must(child, Mmap{.prot = PROT_READ | PROT_WRITE, .flags = MAP_SHARED | MAP_ANONYMOUS});
  Race race{.scripts = {{.task = child}}};
  for (const int64_t address : {kNowhere, here, kNowhere, kNowhere, here}) {
    race.scripts[0].steps.push_back(
        {.label = next_label_++,
         .call = std::make_shared<const Call>(Load{.address = address, .size = 8})});
  }
  last_ = events_.size();
  ASSERT_TRUE(system_->Run(race, events_).ok());
  std::vector<int64_t> returned;
  for (const Event& e : Last(Event::Kind::kReturn, child)) returned.push_back(e.outcome.ret);
  EXPECT_THAT(returned, ElementsAre(SIGSEGV, 0, SIGSEGV, SIGSEGV, 0));
  Must(0, Kill{.target = child, .signal = SIGSEGV});
  ASSERT_THAT(Exits(child), SizeIs(1));
  EXPECT_EQ(Exits(child)[0] & ~0x80, Told(SIGSEGV) & ~0x80);
}

TEST_F(KernelSystemTest, ARaceIsTimedWithAndWithoutARecord) {
  const int64_t here =
      Must(0, Mmap{.prot = PROT_READ | PROT_WRITE, .flags = MAP_SHARED | MAP_ANONYMOUS});
  Race race{.scripts = {{.task = 0}}};
  for (int i = 0; i < 3; ++i) {
    race.scripts[0].steps.push_back(
        {.label = next_label_++,
         .call = std::make_shared<const Call>(Load{.address = here, .size = 8})});
  }
  for (const bool recorded : {false, true, false}) {
    const absl::StatusOr<int64_t> took = system_->TimeRace(race, recorded);
    ASSERT_TRUE(took.ok()) << took.status();
    EXPECT_GT(*took, 0);
  }
  EXPECT_TRUE(system_->Idle(0));
}

TEST_F(KernelSystemTest, OtherUsersStayInSight) {
  if (!TestedMachine().other_users) GTEST_SKIP() << "this run knows one user only";
  const int child = MustFork(0);
  Must(child, SetCredentials{.uid = 1001, .gid = 1000});
  EXPECT_EQ(Do(child, SetCredentials{.uid = 0, .gid = 0}), Fails(EPERM));
  EXPECT_EQ(Do(child, Kill{.target = 0, .signal = 0}), Fails(EPERM));
  const Outcome pipe = Do(child, MakePipe{});
  Must(child, Exec{});
  Make(child, Read{.fd = pipe.values[0], .count = 1});
  EXPECT_TRUE(Asleep(child));
  Must(0, Kill{.target = child, .signal = SIGTERM});
  EXPECT_THAT(Exits(child), ElementsAre(Told(SIGTERM)));
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
