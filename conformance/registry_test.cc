// The clauses and rows as a whole: each clause says where it is from, and each documented error of
// errno_pairs.tsv is provoked by a clause or excused, and nothing else is.
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "conformance/clause.h"
#include "conformance/observe.h"

namespace ipcspec {
namespace {

std::string Text(const ErrnoRow& row) {
  return row.page + "\t" + row.calls + "\t" + row.error + "\t" + row.condition;
}

std::set<std::string> DocumentedRows() {
  std::ifstream in("conformance/errno_pairs.tsv");
  EXPECT_TRUE(in.good()) << "run by Bazel, in its runfiles";
  std::set<std::string> rows;
  for (std::string line; std::getline(in, line);) {
    if (!line.empty() && line[0] != '#') rows.insert(line);
  }
  return rows;
}

TEST(Registry, ClausesAreWhole) {
  std::set<std::string> ids;
  for (const ClauseInfo& clause : AllClauses()) {
    SCOPED_TRACE(clause.id());
    EXPECT_TRUE(ids.insert(clause.id()).second) << "two clauses of one name";
    EXPECT_NE(clause.source.find('('), std::string::npos) << "no manual page: " << clause.source;
    EXPECT_GT(clause.statement.size(), 20u);
  }
  EXPECT_GE(ids.size(), 450u);
}

TEST(Registry, ObservationsAreWhole) {
  std::set<std::string> ids;
  for (const ObservationInfo& observation : AllObservations()) {
    SCOPED_TRACE(observation.id());
    EXPECT_TRUE(ids.insert(observation.id()).second) << "two observations of one name";
    EXPECT_NE(observation.source.find('('), std::string::npos) << observation.source;
    EXPECT_GT(observation.looked_at.size(), 10u);
  }
  EXPECT_GE(ids.size(), 60u);
}

TEST(Registry, EveryDocumentedErrorIsProvokedOrExcused) {
  const std::set<std::string> documented = DocumentedRows();
  std::set<std::string> registered, clauses;
  for (const ClauseInfo& clause : AllClauses()) clauses.insert(clause.id());
  for (const ErrnoRow& row : AllErrnoRows()) {
    EXPECT_TRUE(documented.contains(Text(row))) << "in no document: " << Text(row);
    EXPECT_TRUE(!row.excuse.empty() || clauses.contains(row.clause)) << row.clause;
    registered.insert(Text(row));
  }
  for (const std::string& row : documented) {
    EXPECT_TRUE(registered.contains(row)) << "neither provoked nor excused: " << row;
  }
}

}  // namespace
}  // namespace ipcspec

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  // The clauses are linked in to be counted; they are not run here.
  testing::GTEST_FLAG(filter) = "Registry.*";
  return RUN_ALL_TESTS();
}
