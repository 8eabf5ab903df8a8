// Two accelerators at one Wishbone bus: FIRST from address 0 on, SECOND from 1 MB on. With AXI
// defined the second one is behind a bridge to AXI4-Lite, which has one access at a time.
module two_accelerators (
    input clk, input rst,
    input wb_cyc, input wb_stb, input wb_we, input [18:0] wb_adr, input [3:0] wb_sel,
    input [31:0] wb_dat_w, output [31:0] wb_dat_r, output wb_ack, output wb_err, output irq
);
  wire second = wb_adr[18];
  wire [31:0] first_r, second_r;
  wire first_ack, first_err, first_irq, second_ack, second_err, second_irq;
  assign wb_dat_r = second ? second_r : first_r;
  assign wb_ack = first_ack | second_ack;
  assign wb_err = first_err | second_err;
  assign irq = first_irq | second_irq;

  `FIRST first (
      .clk(clk), .rst(rst), .wb_cyc(wb_cyc & ~second), .wb_stb(wb_stb & ~second), .wb_we(wb_we),
      .wb_adr(wb_adr[`FIRST_BITS-1:0]), .wb_sel(wb_sel), .wb_dat_w(wb_dat_w), .wb_dat_r(first_r),
      .wb_ack(first_ack), .wb_err(first_err), .irq(first_irq));

`ifndef AXI
  `SECOND other (
      .clk(clk), .rst(rst), .wb_cyc(wb_cyc & second), .wb_stb(wb_stb & second), .wb_we(wb_we),
      .wb_adr(wb_adr[`SECOND_BITS-1:0]), .wb_sel(wb_sel), .wb_dat_w(wb_dat_w), .wb_dat_r(second_r),
      .wb_ack(second_ack), .wb_err(second_err), .irq(second_irq));
`else
  wire awready, wready, arready, bvalid, rvalid;
  wire [1:0] bresp, rresp;
  wire [`SECOND_BITS+1:0] address = {wb_adr[`SECOND_BITS-1:0], 2'b00};
  wire ask = wb_cyc & wb_stb & second;
  reg aw_taken, w_taken, ar_taken;
  wire done = bvalid | rvalid;
  assign second_ack = ask & done & ~second_err;
  assign second_err = ask & (bvalid ? bresp[1] : rvalid & rresp[1]);
  always @(posedge clk) begin
    aw_taken <= (aw_taken | (ask & wb_we & awready)) & ~done & ~rst;
    w_taken  <= (w_taken  | (ask & wb_we & wready))  & ~done & ~rst;
    ar_taken <= (ar_taken | (ask & ~wb_we & arready)) & ~done & ~rst;
  end

  `SECOND other (
      .clk(clk), .rst(rst), .s_axil_awaddr(address), .s_axil_awprot(3'b0),
      .s_axil_awvalid(ask & wb_we & ~aw_taken), .s_axil_awready(awready), .s_axil_wdata(wb_dat_w),
      .s_axil_wstrb(wb_sel), .s_axil_wvalid(ask & wb_we & ~w_taken), .s_axil_wready(wready),
      .s_axil_bresp(bresp), .s_axil_bvalid(bvalid), .s_axil_bready(1'b1),
      .s_axil_araddr(address), .s_axil_arprot(3'b0), .s_axil_arvalid(ask & ~wb_we & ~ar_taken),
      .s_axil_arready(arready), .s_axil_rdata(second_r), .s_axil_rresp(rresp),
      .s_axil_rvalid(rvalid), .s_axil_rready(1'b1),
      .s_axis_tdata(32'b0), .s_axis_tkeep(4'b0), .s_axis_tlast(1'b0), .s_axis_tvalid(1'b0),
      .s_axis_tready(), .m_axis_tdata(), .m_axis_tkeep(), .m_axis_tlast(), .m_axis_tvalid(),
      .m_axis_tready(1'b0), .irq(second_irq));
`endif
endmodule
