#include "impl/mechanism/cow.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/hash/hash.h"

namespace ipcspec {
namespace {

TEST(Cow, CopiesAreIndependent) {
  Cow<std::string> a("a");
  Cow<std::string> b = a;
  EXPECT_EQ(&*a, &*b) << "nobody has changed one";
  b.Mutable() = "b";
  EXPECT_EQ(*a, "a");
  EXPECT_EQ(*b, "b");
}

TEST(Cow, HashFollowsTheValue) {
  Cow<std::string> a("a");
  const Cow<std::string> other("b");
  EXPECT_NE(absl::HashOf(a), absl::HashOf(other));
  a.Mutable() = "b";
  EXPECT_EQ(absl::HashOf(a), absl::HashOf(other));
  Cow<std::string> copy = a;
  copy.Mutable() = "c";
  EXPECT_NE(absl::HashOf(copy), absl::HashOf(a));
  EXPECT_EQ(absl::HashOf(a), absl::HashOf(other)) << "the copy has a hash of its own";
}

}  // namespace
}  // namespace ipcspec
