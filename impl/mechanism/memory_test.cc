// What memory holds, and what is mapped where.
#include "impl/mechanism/memory.h"

#include <gtest/gtest.h>

// rapidcheck's own order of includes matters to it.
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace ipcspec {
namespace {

constexpr int64_t kPage = 4096;

std::string Zeros(size_t n) { return std::string(n, '\0'); }

TEST(MemoryObject, ReadsNothingBeyondItsEnd) {
  MemoryObject o{.size = 5};
  o.Write(3, "abcdef");
  EXPECT_EQ(o.Read(0, 100), Zeros(3) + "ab");
  EXPECT_EQ(o.Read(4, 1), "b");
  EXPECT_EQ(o.Read(5, 1), "");
  EXPECT_EQ(o.Read(900, 1), "");
}

TEST(MemoryObject, LoadsZerosBeyondItsEnd) {
  MemoryObject o{.size = 2};
  o.Write(0, "ab");
  EXPECT_EQ(o.Load(1, 3), "b" + Zeros(2));
}

TEST(MemoryObject, WritesAcrossPages) {
  MemoryObject o{.size = 3 * kPage};
  o.Write(kPage - 2, std::string(kPage + 4, 'x'));
  EXPECT_EQ(o.Read(kPage - 3, 2), Zeros(1) + "x");
  EXPECT_EQ(o.Read(2 * kPage + 1, 2), "x" + Zeros(1));
}

TEST(MemoryObject, EqualContentsAreEqual) {
  MemoryObject a{.size = kPage}, b{.size = kPage};
  a.Write(10, "abc");
  a.Write(11, Zeros(2));
  b.Write(900, "x");
  b.Write(10, "a");
  b.Write(900, Zeros(1));
  b.changes = a.changes;
  EXPECT_EQ(a, b) << "whatever was there in between";
}

TEST(MemoryObject, LosesWhatIsCutOff) {
  MemoryObject o{.size = 2 * kPage};
  o.Write(kPage - 3, "abcdef");
  o.Resize(kPage - 1);
  o.Resize(2 * kPage);
  EXPECT_EQ(o.Read(kPage - 3, 6), "ab" + Zeros(4));
  o.Resize(0);
  EXPECT_TRUE(o.pages.empty());
}

TEST(MemoryObject, StoresBehindTheEndAreLoose) {
  MemoryObject o{.size = 3};
  o.Store(1, "abcd");
  EXPECT_EQ(o.Read(0, 9), Zeros(1) + "ab");
  EXPECT_EQ(o.loose, (std::set<int64_t>{3, 4}));
  o.Resize(10);
  EXPECT_EQ(o.loose.size(), 2u) << "nothing says what they became";
  o.Write(3, "x");
  EXPECT_EQ(o.loose, (std::set<int64_t>{4}));
}

TEST(MemoryObject, CountsChanges) {
  MemoryObject o{.size = 3};
  const int64_t before = o.changes;
  o.Write(0, "a");
  EXPECT_NE(o.changes, before);
}

TEST(AddressSpace, FindsWhatIsMapped) {
  AddressSpace s;
  s.Map({.start = 2 * kPage, .length = 2 * kPage, .object = 7});
  EXPECT_EQ(s.Find(2 * kPage - 1), nullptr);
  ASSERT_NE(s.Find(2 * kPage), nullptr);
  EXPECT_EQ(s.Find(4 * kPage - 1)->object, 7);
  EXPECT_EQ(s.Find(4 * kPage), nullptr);
  EXPECT_TRUE(s.IsFree(0, 2 * kPage));
  EXPECT_FALSE(s.IsFree(0, 2 * kPage + 1));
  EXPECT_TRUE(s.IsFree(4 * kPage, kPage));
}

TEST(AddressSpace, CutsMappings) {
  AddressSpace s;
  s.Map({.start = 0, .length = 4 * kPage, .object = 1, .offset = kPage});
  const std::vector<Mapping> gone = s.Unmap(kPage, kPage);
  ASSERT_EQ(gone.size(), 1u);
  EXPECT_EQ(gone[0].offset, 2 * kPage);
  ASSERT_EQ(s.all().size(), 2u);
  EXPECT_EQ(s.all()[0].end(), kPage);
  EXPECT_EQ(s.all()[1].start, 2 * kPage);
  EXPECT_EQ(s.all()[1].offset, 3 * kPage);
  EXPECT_TRUE(s.Unmap(kPage, kPage).empty());
}

TEST(AddressSpace, UsualPlaceIsFree) {
  AddressSpace s;
  for (int i = 0; i < 5; ++i) {
    const int64_t at = s.UsualPlace((i + 1) * kPage);
    EXPECT_TRUE(s.IsFree(at, (i + 1) * kPage));
    s.Map({.start = at, .length = (i + 1) * kPage});
  }
}

// Of many writes and sizes, an object holds what a plain string would.
RC_GTEST_PROP(MemoryObject, IsAString, ()) {
  MemoryObject o;
  std::string model;
  const int steps = *rc::gen::inRange(1, 20);
  for (int i = 0; i < steps; ++i) {
    const auto at = *rc::gen::inRange<size_t>(0, 3 * kPage);
    if (*rc::gen::inRange(0, 4) == 0) {
      o.Resize(static_cast<int64_t>(at));
      model.resize(at, '\0');
    } else {
      const std::string data(*rc::gen::inRange<size_t>(1, kPage),
                             *rc::gen::element('\0', 'a', 'b'));
      o.Write(static_cast<int64_t>(at), data);
      if (at < model.size()) {
        const size_t part = std::min(data.size(), model.size() - at);
        model.replace(at, part, data, 0, part);
      }
    }
    RC_ASSERT(o.Read(0, 4 * kPage) == model);
  }
}

// Of many mappings and holes, each address shows the mapping that came last.
RC_GTEST_PROP(AddressSpace, IsATableOfPages, ()) {
  AddressSpace s;
  std::vector<int> model(16, -1);
  const int steps = *rc::gen::inRange(1, 30);
  for (int i = 0; i < steps; ++i) {
    const int start = *rc::gen::inRange(0, 16);
    const int end = *rc::gen::inRange(start, 16) + 1;
    s.Unmap(start * kPage, (end - start) * kPage);
    const bool maps = *rc::gen::arbitrary<bool>();
    if (maps) s.Map({.start = start * kPage, .length = (end - start) * kPage, .object = i});
    std::fill(model.begin() + start, model.begin() + end, maps ? i : -1);
    for (int page = 0; page < 16; ++page) {
      const Mapping* m = s.Find(page * kPage);
      RC_ASSERT((m == nullptr ? -1 : m->object) == model[page]);
    }
  }
}

}  // namespace
}  // namespace ipcspec
