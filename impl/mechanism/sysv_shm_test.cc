// System V shared memory on the reference alone: what it allows, and what it forbids.
#include "impl/mechanism/sysv_shm.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "impl/reference/reference.h"

namespace ipcspec {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kAt = kFirstAddress;
constexpr size_t kMode = 5, kNattch = 7, kLpid = 9, kAtime = 10, kDtime = 11;

// A world in which tasks make calls one after the other, a second apart.
class Bench {
 public:
  explicit Bench(Dialect d = {.wall_start = 1'700'000'000})
      : dialect_(std::make_unique<Dialect>(std::move(d))), world_(dialect_.get()) {}

  // What the reference does when nothing is known.
  Outcome Play(Call call, int task = 0) {
    Choice usual(Choice::Mode::kUsual);
    return Make(world_, std::move(call), task, usual);
  }
  int64_t Ret(Call call, int task = 0) {
    const Outcome outcome = Play(call, task);
    EXPECT_EQ(outcome.error, 0) << NameOf(call);
    return outcome.ret;
  }
  // Whether the outcome is explained; if so and `keep`, it is what happened.
  bool Allows(Call call, const Outcome& seen, int task = 0, bool keep = false) {
    World copy = world_;
    Choice choice(&seen);
    if (Make(copy, std::move(call), task, choice) != seen) return false;
    if (keep) world_ = copy;
    return true;
  }
  // The same for the segment's data when one field has another value.
  bool Shows(int64_t id, size_t field, int64_t value) {
    Outcome stat = Play(ShmStat{id});
    stat.values[field] = value;
    return Allows(ShmStat{id}, stat);
  }
  int64_t Field(int64_t id, size_t field) { return Play(ShmStat{id}).values.at(field); }
  bool Exists(int64_t id) { return Play(ShmStat{id}).ok(); }

 private:
  Outcome Make(World& world, Call call, int task, Choice& choice) {
    now_ += kSecond;
    Begin(world, task, ++label_, std::make_shared<const Call>(std::move(call)), now_);
    const Result result = Offer(world, task, now_, choice);
    EXPECT_TRUE(result.done());
    if (world.GetTask(task).alive()) Finish(world, task);
    return result.outcome;
  }

  std::unique_ptr<Dialect> dialect_;  // outlives the world, and stays where it is
  World world_;
  int64_t now_ = 0;
  int label_ = 0;
};

Shmget Make(int64_t key, int64_t size = 4096, int64_t flags = 0600) {
  return {.key = key, .size = size, .flags = IPC_CREAT | flags};
}

TEST(SysvShm, Refusals) {
  Bench b;
  const int64_t s = b.Ret(Make(5)), closed = b.Ret(Make(0, 4096, 0600));
  const int64_t gone = 77;
  ASSERT_TRUE(b.Allows(Make(0), Returns(gone), 0, true));
  b.Ret(ShmRemove{gone});
  b.Ret(Shmat{.id = s, .address = kAt});
  const int user = static_cast<int>(b.Ret(Fork{}));
  b.Ret(SetCredentials{.uid = 1000, .gid = 1000}, user);
  struct Refusal {
    std::string name;
    Call call;
    int task;
    std::vector<int> errors;
  };
  const std::vector<Refusal> table = {
      {"taken", Make(5, 4096, IPC_EXCL), 0, {EEXIST}},
      {"taken, too small", Make(5, 4097, IPC_EXCL), 0, {EEXIST, EINVAL}},
      {"too small", Shmget{.key = 5, .size = 4097}, 0, {EINVAL}},
      {"of another", Shmget{.key = 5, .size = 1, .flags = 0600}, user, {EACCES}},
      {"no key", Shmget{.key = 6, .size = 0}, 0, {ENOENT}},
      {"no size", Make(6, 0), 0, {EINVAL, ENOMEM}},
      {"attach none", Shmat{.id = 999}, 0, {EINVAL, ENOMEM}},
      {"attach removed", Shmat{.id = gone}, 0, {EINVAL, EIDRM, ENOMEM}},
      {"attach unaligned", Shmat{.id = s, .address = kAt + 4097}, 0, {EINVAL, ENOMEM}},
      {"attach there", Shmat{.id = s, .address = kAt}, 0, {EINVAL, ENOMEM}},
      {"attach closed", Shmat{.id = closed, .flags = SHM_RDONLY}, user, {EACCES, ENOMEM}},
      {"remap nowhere", Shmat{.id = s, .flags = SHM_REMAP}, 0, {EINVAL, ENOMEM}},
      {"detach beside", Shmdt{.address = kAt, .offset = 4096}, 0, {EINVAL}},
      {"detach unaligned", Shmdt{.address = kAt, .offset = 8}, 0, {EINVAL}},
      {"stat closed", ShmStat{closed}, user, {EACCES}},
      {"stat bad", ShmStat{s, Memory::kBad}, 0, {EFAULT}},
      {"set of another", ShmSet{.id = s}, user, {EPERM}},
      {"remove of another", ShmRemove{s}, user, {EPERM}},
      {"lock of another", ShmLock{s}, user, {EPERM, ENOMEM}},
      {"unlock of another", ShmUnlock{s}, user, {EPERM}},
      {"remove removed", ShmRemove{gone}, 0, {EINVAL, EIDRM}},
      {"bad command", ShmBadCommand{s}, 0, {EINVAL}},
  };
  for (const Refusal& r : table) {
    EXPECT_EQ(b.Play(r.call, r.task).error, r.errors.front()) << r.name;
    for (int e = 1; e < 140; ++e) {
      const bool listed = std::find(r.errors.begin(), r.errors.end(), e) != r.errors.end();
      EXPECT_EQ(b.Allows(r.call, Fails(e), r.task), listed) << r.name << ": " << e;
    }
    EXPECT_FALSE(b.Allows(r.call, Returns(0), r.task)) << r.name;
  }
}

TEST(SysvShm, AttachGoesWhereItMay) {
  Bench b;
  const int64_t s = b.Ret(Make(5, 8192));
  b.Ret(Shmat{.id = s, .address = kAt});
  const Shmat anywhere{.id = s};
  EXPECT_TRUE(b.Allows(anywhere, Returns(0x7f1234567000)));
  EXPECT_FALSE(b.Allows(anywhere, Returns(0x7f1234567010))) << "unaligned";
  EXPECT_FALSE(b.Allows(anywhere, Returns(kAt + 4096))) << "in use";
  EXPECT_FALSE(b.Allows(anywhere, Returns(0)));
  const Shmat asked{.id = s, .address = kAt + 8192 + 5, .flags = SHM_RND};
  EXPECT_TRUE(b.Allows(asked, Returns(kAt + 8192)));
  EXPECT_FALSE(b.Allows(asked, Returns(kAt + 12288)));
}

TEST(SysvShm, AttachesAreCounted) {
  Bench b;
  const int64_t s = b.Ret(Make(5, 12288));
  b.Ret(Shmat{.id = s, .address = kAt});
  EXPECT_TRUE(b.Shows(s, kNattch, 1));
  EXPECT_FALSE(b.Shows(s, kNattch, 0));
  EXPECT_FALSE(b.Shows(s, kNattch, 2));
  const int child = static_cast<int>(b.Ret(Fork{}));
  EXPECT_EQ(b.Field(s, kNattch), 2);
  const int sharer = static_cast<int>(b.Ret(Clone{.flags = CLONE_VM}, child));
  EXPECT_EQ(b.Field(s, kNattch), 2);
  b.Play(Exit{}, child);
  EXPECT_FALSE(b.Shows(s, kNattch, 1));
  b.Ret(Exec{}, sharer);
  EXPECT_FALSE(b.Shows(s, kNattch, 2));
  // What is split may count as one or as its parts.
  b.Ret(Munmap{.address = kAt, .length = 4096, .offset = 4096});
  EXPECT_TRUE(b.Shows(s, kNattch, 1));
  EXPECT_TRUE(b.Shows(s, kNattch, 2));
  EXPECT_FALSE(b.Shows(s, kNattch, 3));
  EXPECT_TRUE(b.Allows(Shmdt{.address = kAt}, Fails(EINVAL)));
  b.Ret(Shmdt{.address = kAt});
  EXPECT_TRUE(b.Exists(s));
  EXPECT_FALSE(b.Shows(s, kNattch, 1));
  EXPECT_EQ(b.Ret(Load{.address = kAt, .offset = 8192}), SIGSEGV);
}

TEST(SysvShm, WhoLetsGoOfMemoryLastIsNotTold) {
  for (const bool exec : {false, true}) {
    Bench b;
    const int64_t s = b.Ret(Make(5));
    const int child = static_cast<int>(b.Ret(Fork{}));
    b.Ret(Shmat{.id = s, .address = kAt}, child);
    EXPECT_FALSE(b.Shows(s, kLpid, -1));
    exec ? b.Ret(Exec{}, child) : b.Ret(Shmdt{.address = kAt}, child);
    EXPECT_EQ(b.Field(s, kLpid), child);
    EXPECT_FALSE(b.Shows(s, kLpid, 0));
    EXPECT_EQ(b.Shows(s, kLpid, -1), exec) << "a reader of /proc/PID may be the last, not of shmdt";
  }
}

TEST(SysvShm, BytesStayAndGoWithTheSegment) {
  Bench b;
  const int64_t s = b.Ret(Make(5));
  b.Ret(Shmat{.id = s, .address = kAt});
  b.Ret(Store{.address = kAt, .offset = 9, .data = "x"});
  b.Ret(Shmdt{.address = kAt});
  b.Ret(Shmat{.id = s, .address = kAt + 4096});
  EXPECT_EQ(b.Play(Load{.address = kAt, .offset = 4096 + 9}).data, "x");
  b.Ret(ShmRemove{s});
  EXPECT_EQ(b.Field(s, kMode), SHM_DEST | 0600);
  EXPECT_FALSE(b.Shows(s, kMode, 0600));
  b.Ret(Shmdt{.address = kAt + 4096});
  EXPECT_FALSE(b.Exists(s));
}

TEST(SysvShm, RemapOfItselfKeepsARemovedSegment) {
  Bench b;
  const int64_t s = b.Ret(Make(5));
  b.Ret(Shmat{.id = s, .address = kAt});
  b.Ret(ShmRemove{s});
  b.Ret(Shmat{.id = s, .address = kAt, .flags = SHM_REMAP});
  EXPECT_EQ(b.Field(s, kNattch), 1);
  const int64_t t = b.Ret(Make(6));
  b.Ret(Shmat{.id = t, .address = kAt, .flags = SHM_REMAP});
  EXPECT_FALSE(b.Exists(s));
}

// What the documents say of shmat and shmdt, and Linux does for all that maps and unmaps.
TEST(SysvShm, ForkAndExitMayCount) {
  Bench b;
  const int64_t s = b.Ret(Make(5));
  EXPECT_TRUE(b.Shows(s, kLpid, -1));
  EXPECT_FALSE(b.Shows(s, kLpid, 0));
  b.Ret(Shmat{.id = s, .address = kAt});
  EXPECT_TRUE(b.Shows(s, kLpid, 0));
  EXPECT_FALSE(b.Shows(s, kAtime, 0));
  const int child = static_cast<int>(b.Ret(Fork{}));
  EXPECT_FALSE(b.Shows(s, kLpid, child));
  EXPECT_FALSE(b.Shows(s, kDtime, b.Field(s, kAtime)));
  b.Play(Exit{}, child);
  EXPECT_TRUE(b.Shows(s, kLpid, child));
  EXPECT_TRUE(b.Shows(s, kLpid, 0));
  EXPECT_TRUE(b.Shows(s, kDtime, 0));
  EXPECT_TRUE(b.Shows(s, kDtime, b.Field(s, kAtime)));
  b.Ret(Mprotect{.address = kAt, .prot = PROT_READ});
  EXPECT_TRUE(b.Shows(s, kLpid, child)) << "though the parent may be the last as well";
  b.Ret(Shmdt{.address = kAt});
  EXPECT_FALSE(b.Shows(s, kDtime, 0));
  EXPECT_FALSE(b.Shows(s, kLpid, child));
}

TEST(SysvShm, Locks) {
  Bench b(Dialect{.max_locked = 8192, .cap_ipc_lock = false});
  const int64_t s = b.Ret(Make(5, 4097)), t = b.Ret(Make(6));
  b.Ret(ShmLock{s});
  b.Ret(ShmLock{s});
  EXPECT_EQ(b.Field(s, kMode), SHM_LOCKED | 0600);
  EXPECT_FALSE(b.Allows(ShmLock{t}, Returns(0)));
  b.Ret(ShmUnlock{s});
  EXPECT_TRUE(b.Allows(ShmLock{t}, Returns(0), 0, true));
  b.Ret(ShmRemove{t});
  b.Ret(ShmLock{s});
}

TEST(SysvShm, ForcedRemoval) {
  Bench b;
  const int64_t mine = b.Ret(Make(5));
  const int child = static_cast<int>(b.Ret(Fork{}));
  const int64_t orphan = b.Ret(Make(6), child), attached = b.Ret(Make(7), child);
  b.Ret(Shmat{.id = attached, .address = kAt});
  b.Play(Exit{}, child);
  b.Ret(SetLimit{.limit = Limit::kShmRmidForced, .value = 1});
  EXPECT_FALSE(b.Exists(orphan));
  // Whether what nobody ever attached goes while its creator lives, documents and Linux differ.
  EXPECT_TRUE(b.Exists(mine));
  EXPECT_TRUE(b.Allows(ShmStat{mine}, Fails(EINVAL)));
  EXPECT_TRUE(b.Allows(Shmget{.key = 5, .size = 0}, Fails(ENOENT)));
  EXPECT_TRUE(b.Allows(Make(5), Returns(77)));
  EXPECT_TRUE(b.Allows(Make(5), Returns(mine)));
  EXPECT_FALSE(b.Allows(ShmStat{attached}, Fails(EINVAL)));
  b.Ret(Shmdt{.address = kAt});
  EXPECT_FALSE(b.Exists(attached));
  b.Ret(Shmat{.id = mine, .address = kAt});
  EXPECT_FALSE(b.Allows(ShmStat{mine}, Fails(EINVAL)));
}

TEST(SysvShm, LeavingTheNamespaceLeavesAttaches) {
  Bench b;
  const int64_t s = b.Ret(Make(5));
  const int child = static_cast<int>(b.Ret(Fork{}));
  b.Ret(Shmat{.id = s, .address = kAt}, child);
  b.Ret(UnshareIpc{}, child);
  EXPECT_EQ(b.Play(ShmStat{s}, child).error, EINVAL);
  EXPECT_EQ(b.Field(s, kNattch), 1);
  b.Ret(Shmdt{.address = kAt}, child);
  EXPECT_EQ(b.Field(s, kNattch), 0);
}

}  // namespace
}  // namespace ipcspec
