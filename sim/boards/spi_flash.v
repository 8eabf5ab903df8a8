// A model of a flash memory with an SPI, for simulation: it reads, by the one command that all have.
//
// Written for this project. Mode 0: a bit is taken as the clock rises, and given after it fell. What
// it is not asked for as the data sheets say, it answers with bits that are undefined.

module spi_flash #(parameter BYTES = 1, parameter OFFSET = 0, parameter FILE = "") (
    input select_n, clock, command,
    output reg answer
);
    reg [7:0] contents [0:BYTES-1];
    reg [31:0] word;
    reg [5:0] heard;  // bits of the command, 32 at most
    reg [26:0] given;
    wire [23:0] at = word[23:0] + given[26:3] - OFFSET;
    initial $readmemh(FILE, contents);

    always @(posedge clock or posedge select_n)
        if (select_n) heard <= 0;
        else if (heard < 32) begin
            word <= {word[30:0], command};
            heard <= heard + 1;
        end

    always @(negedge clock or posedge select_n)
        if (select_n) given <= 0;
        else if (heard == 32) begin
            answer <= word[31:24] == 3 && at < BYTES ? contents[at][3'd7 - given[2:0]] : 1'bx;
            given <= given + 1;
        end
endmodule
