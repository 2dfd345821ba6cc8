// A provider in the form the bindings have. Written for the extractor's test.
const cdktf = require("cdktf");

class TestProvider extends cdktf.TerraformProvider {
  synthesizeHclAttributes() {
    return {
      region: { value: cdktf.stringToHclTerraform(this._region), isBlock: false, type: "simple" },
      alias: { value: cdktf.stringToHclTerraform(this._alias), isBlock: false, type: "simple" },
    };
  }
}
exports.TestProvider = TestProvider;
