// Keys and identifiers of System V objects, and what asking for an identifier does to them.
#include "impl/mechanism/sysv_ids.h"

#include <gtest/gtest.h>

#include <vector>

namespace ipcspec {
namespace {

struct Thing {
  IpcPerm perm;
  bool operator==(const Thing&) const = default;
};

class Table {
 public:
  // Adds an object; `seen` is the identifier that the kernel gave, -1 when it was not seen.
  int64_t Add(int64_t seen, int64_t asked = -1, int32_t key = 0) {
    Thing thing;
    thing.perm.key = key;
    const Outcome outcome = Returns(seen);
    Choice choice = seen < 0 ? Choice(Choice::Mode::kUsual) : Choice(&outcome);
    return things.Add(thing, choice, asked);
  }
  void Remove(int64_t id) { things.Remove(things.Find(id)); }

  IpcTable<Thing> things;
};

TEST(SysvIds, AsSeen) {
  Table t;
  EXPECT_EQ(t.Add(12345), 12345);
  EXPECT_EQ(t.Add(3), 3);
  EXPECT_NE(t.Add(3), 3) << "two objects of one identifier";
}

TEST(SysvIds, RemovedIsNotGivenAgain) {
  Table t;
  t.Add(7);
  t.Remove(7);
  EXPECT_TRUE(t.things.WasRemoved(7));
  EXPECT_NE(t.Add(7), 7);
}

TEST(SysvIds, AskedForMayHaveBeenRemoved) {
  Table t;
  t.Add(7);
  t.Remove(7);
  EXPECT_EQ(t.Add(7, 7), 7);
  EXPECT_NE(t.things.Find(7), nullptr);
  t.Remove(7);
  EXPECT_NE(t.Add(7), 7) << "asked for once only";
}

TEST(SysvIds, AskedForIsNoPromise) {
  Table t;
  EXPECT_EQ(t.Add(99, 7), 99);
  EXPECT_NE(t.Add(99, 99), 99) << "of a living object";
}

TEST(SysvIds, UsuallyAsAskedFor) {
  Table t;
  EXPECT_EQ(t.Add(-1, 5 * 32768 + 9), 5 * 32768 + 9);
  EXPECT_EQ(t.Add(-1, 5 * 32768 + 9), 5 * 32768 + 10) << "the next index that is free";
}

TEST(SysvIds, AskingIsUsedUp) {
  Dialect dialect;
  IpcLimits limits{.values = dialect.limits};
  limits.Set(Limit::kMsgNextId, 44);
  const auto nobody = [] { return std::vector<Waiting>(); };
  const Caller caller{.dialect = &dialect, .limits = &limits, .waiting = nobody};
  EXPECT_EQ(TakeNextId(caller, Limit::kSemNextId), -1);
  EXPECT_EQ(TakeNextId(caller, Limit::kMsgNextId), 44);
  EXPECT_EQ(TakeNextId(caller, Limit::kMsgNextId), -1);
}

TEST(SysvIds, ListTellsWhatAGuessWas) {
  Table t;
  t.Add(-1, -1, 77);  // its maker was killed before it told
  t.Add(500, -1, 78);
  Outcome seen = Returns(2);
  seen.values = {77, 400, 0600, 78, 500, 0600};
  Choice choice(&seen);
  const auto listed = t.things.Listed(3, choice);
  ASSERT_EQ(listed.size(), 2u);
  EXPECT_EQ(listed[0].perm.id, 400);
  EXPECT_TRUE(listed[0].perm.told);
  EXPECT_EQ(listed[1].perm.id, 500);
}

TEST(SysvIds, ListTellsNothingOfAnotherKey) {
  Table t;
  t.Add(-1, -1, 77);
  Outcome seen = Returns(1);
  seen.values = {79, 400, 0600};
  Choice choice(&seen);
  EXPECT_NE(t.things.Listed(3, choice)[0].perm.id, 400);
}

}  // namespace
}  // namespace ipcspec
