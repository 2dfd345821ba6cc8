const cdktf = require("cdktf");

class DataAwsThing extends cdktf.TerraformDataSource {
  get names() {
    return cdktf.Fn.tolist(this.getListAttribute("names"));
  }
  synthesizeHclAttributes() {
    return {};
  }
}
exports.DataAwsThing = DataAwsThing;
